package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"infinisim/sim/lab"
)

// An array's server is an http.Handler.
func Example() {
	l, err := lab.New(lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	a, err := l.AddArray(context.Background(), lab.ArraySetup{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/rest/system/product_id", nil)
	r.SetBasicAuth("admin", "123456")
	rec := httptest.NewRecorder()
	a.Server.ServeHTTP(rec, r)
	fmt.Println(rec.Code, rec.Body)
	// Output: 200 {"result":"INFINIBOX","error":null,"metadata":{"ready":true}}
}
