package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"infinisim/sim/control"
	"infinisim/sim/lab"
)

// The control plane is an http.Handler of its own.
func Example() {
	labs := lab.NewLabs(lab.Options{}, "")
	defer func() { _ = labs.Close() }()
	if _, err := labs.Create(context.Background(), lab.Plan{Name: lab.DefaultName, Arrays: new(0)}); err != nil {
		fmt.Println(err)
		return
	}
	plane := control.New(control.Options{Labs: labs, Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "http://localhost/_sim/v1/clock/advance", strings.NewReader(`{"by":"30s"}`))
	rec := httptest.NewRecorder()
	plane.ServeHTTP(rec, r)
	fmt.Print(rec.Body)
	// Output: {"now":1735689630000,"now_ns":"1735689630000000000","mode":"manual","speed":0,"next_settle":null,"next":null,"count":0,"ran":[],"blocked":[]}
}
