package lab_test

import (
	"net/http"
	"testing"

	"infinisim/sim/lab"
)

// FuzzHeaders asks with any credentials, cookie, remote credentials and tenant.
// Who is let in has the right user and password, or the cookie of a session;
// who is not is told so with 401 and has read nothing. No header makes the
// deletion of a replica more than refused or done.
func FuzzHeaders(f *testing.F) {
	w := newWorld(f)
	replica := w.fill("replicas/{id}", "replica")
	if id := w.Make("replica"); id != 0 {
		replica = w.fill("replicas/{id}", "replica")
	}
	for _, auth := range []string{
		"", "Basic", "Basic YWRtaW46MTIzNDU2", "Basic aW5maW5pZGF0OjEyMzQ1Ng==", "basic YWRtaW46MTIzNDU2", "Basic YWRtaW46", "Bearer x", "Basic =",
		"Basic YWRtaW4=", "Basic YWRtaW46eDp5", "Basic /w==",
	} {
		for _, remote := range []string{"", "Basic YWRtaW46MTIzNDU2", "Basic simulator-box-2=YWRtaW46MTIzNDU2;x=YTpi", "Basic ;=;", "Basic =="} {
			f.Add(auth, "JSESSIONID=x", remote, "1", "")
			f.Add(auth, "", remote, "", "application/json; charset=utf-8")
		}
	}
	f.Add("Basic YWRtaW46MTIzNDU2", "JSESSIONID=\"x\"; JSESSIONID=y;=", "", "-1", "multipart/form-data; boundary=x")
	before, err := w.lab.Fingerprint(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, auth, cookie, remote, tenant, content string) {
		l, err := w.lab.Fork(lab.DefaultName, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		header := http.Header{
			"Authorization": {auth}, "Cookie": {cookie}, "X-Remote-Authorization": {remote}, "X-Infinidat-Tenant-Id": {tenant}, "Content-Type": {content},
		}
		r, _ := ask{method: http.MethodGet, target: "users?sort=id", header: header}.request(t.Context())
		user, password, ok := r.BasicAuth()
		known := ok && password == "123456" && (user == "admin" || user == "infinidat")
		out, err := send(l, "box-1", r)
		if err != nil {
			t.Fatal(err)
		}
		if denied := out.status == http.StatusUnauthorized; denied == known {
			t.Fatalf("%q %q: status %d", user, password, out.status)
		}
		for _, method := range []string{http.MethodDelete, http.MethodPut} {
			r, _ = ask{method: method, target: replica + "?approved=true", body: `{"rpo":600000}`, header: header}.request(t.Context())
			if out, err = send(l, "box-1", r); err != nil {
				t.Fatal(err)
			}
			if out.status == http.StatusOK && !known {
				t.Fatalf("%s by nobody", method)
			}
		}
		after, err := l.Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after != before && !known {
			t.Fatal("nobody has changed something")
		}
		if err := sound(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	})
}
