package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"infinisim/sim/ui"
)

func ExampleMount() {
	control := http.NotFoundHandler() // a control.Server
	rec := httptest.NewRecorder()
	ui.Mount(control).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, ui.Path+"/", http.NoBody))
	fmt.Println(rec.Code, rec.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
