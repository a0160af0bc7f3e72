package coverage

import (
	"html/template"
	"io"
	"maps"
	"slices"
)

// page is the report as one file that needs no other.
var page = template.Must(template.New("coverage").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>infinisim: coverage</title><style>
body { font: 14px system-ui, sans-serif; margin: 2em auto; max-width: 70em; color: #222; }
table { border-collapse: collapse; width: 100%; } td { padding: .1em .6em; border-bottom: 1px solid #eee; }
td.n { text-align: right; width: 6em; } tr.never { background: #fdecea; } summary { cursor: pointer; font-weight: bold; padding: .4em 0; }
</style></head><body><h1>Coverage: {{printf "%.1f" .Total}} %</h1>
{{range .Sections}}<details{{if .Never}} open{{end}}><summary>{{.Name}}: {{printf "%.1f" .Percent}} %, {{.Covered}} of {{.Of}}</summary><table>
{{range .Items}}<tr{{if not .Count}} class="never"{{end}}><td>{{.Name}}</td><td class="n">{{if .Count}}{{.Count}}{{else}}never{{end}}</td></tr>
{{end}}</table></details>
{{end}}</body></html>
`))

type pageItem struct {
	Name  string
	Count int
}

type pageSection struct {
	Name        string
	Percent     float64
	Covered, Of int
	Never       bool
	Items       []pageItem
}

// HTML writes the report as a page: what was never reached first.
func (r *Report) HTML(to io.Writer) error {
	var v struct {
		Total    float64
		Sections []pageSection
	}
	var err error
	if v.Total, err = r.Percent("total"); err != nil {
		return err
	}
	for _, name := range append(Names(), "rules") {
		s := r.Section(name)
		p := pageSection{Name: name, Covered: s.Covered(), Of: len(s), Percent: percent(s.Covered(), len(s))}
		never := s.Never()
		p.Never = len(never) > 0
		for _, item := range never {
			p.Items = append(p.Items, pageItem{Name: item})
		}
		for _, item := range slices.Sorted(maps.Keys(s)) {
			if s[item] > 0 {
				p.Items = append(p.Items, pageItem{item, s[item]})
			}
		}
		v.Sections = append(v.Sections, p)
	}
	return page.Execute(to, v)
}
