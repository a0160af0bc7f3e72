// Command floor is the least that a server in Go does: a chi handler that
// answers with bytes from memory. It reads them from a file, a JSON object of
// request URI and body, and prints its address.
//
//	floor [-listen 127.0.0.1:0] [FILE]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run() error {
	answers := map[string]string{"/": "{}"}
	address := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()
	if flag.NArg() > 0 {
		raw, err := os.ReadFile(flag.Arg(0))
		if err == nil {
			err = json.Unmarshal(raw, &answers)
		}
		if err != nil {
			return err
		}
	}
	bodies := map[string][]byte{}
	for uri, body := range answers {
		bodies[uri] = []byte(body)
	}
	router := chi.NewRouter()
	router.Get("/*", func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // the client is gone: nobody to tell
	})
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", *address)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return (&http.Server{Handler: router, ReadHeaderTimeout: time.Minute}).Serve(l)
}
