package control

import (
	"bytes"

	"infinisim/sim/apierr"
)

// page is a result that is not JSON but HTML.
type page []byte

// readCoverage tells what the lab's clients reached, or with labs=all those of
// every lab, and what they did not.
func readCoverage(s *Server, r *request) (any, error) {
	q := r.URL.Query()
	report := r.lab.Coverage()
	switch labs := q.Get("labs"); labs {
	case "":
	case "all":
		report = s.Labs.Coverage()
	default:
		return nil, apierr.New(apierr.InvalidValue, "labs: %q is not all", labs).About("labs")
	}
	switch format := q.Get("format"); format {
	case "", "json":
		return report, nil
	case "html":
		var out bytes.Buffer
		err := report.HTML(&out)
		return page(out.Bytes()), err
	default:
		return nil, apierr.New(apierr.InvalidValue, "format: %q is neither json nor html", format).About("format")
	}
}
