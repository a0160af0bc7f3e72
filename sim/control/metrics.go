package control

import (
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/observe"
)

// plain is a result that is text, as Prometheus reads it.
type plain string

// metricsPath is where Prometheus scrapes.
const metricsPath = "/_sim/metrics"

// metrics serves the metrics of the lab default, or of all labs, to those who
// may ask.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	err := s.foreign(r)
	if err == nil {
		err = s.denied(r)
	}
	if labs := r.URL.Query().Get("labs"); err == nil && labs != "" && labs != observe.AllLabs {
		err = apierr.New(apierr.InvalidValue, "labs: %q is not %s", labs, observe.AllLabs).About("labs")
	}
	if err != nil {
		status, raw := s.refuse(r, err)
		s.send(w, status, "application/json", append(raw, '\n'))
		return
	}
	shield(w.Header())
	s.scraped.ServeHTTP(w, r)
}
