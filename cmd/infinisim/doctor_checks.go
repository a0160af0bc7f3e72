package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	goversion "go/version"

	"github.com/spf13/cobra"

	"infinisim/sim/store"
)

// readSettings looks at the configuration file and at the variables.
func (d *doctor) readSettings(c *cobra.Command) {
	if err := errors.Join(applySettings(c), checkOutput(c)); err != nil {
		d.say("settings", wrong, oneLine(err), "put it right there, or take it away")
	} else if path := configPath(c); path != "" {
		d.say("settings", fine, path+" is right", "")
	} else {
		d.say("settings", fine, "there is no configuration file, and none is needed", "")
	}
	var known []string
	for _, s := range settings(c.Root()) {
		known = append(known, s.variable)
	}
	for _, v := range exported() {
		known = append(known, v[0])
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, variablePrefix) && !slices.Contains(known, name) {
			d.say("environment", note, name+" is no setting of this program", "the nearest one is "+nearest(name, known))
		}
	}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// goLine is the release that a module asks for.
var goLine = regexp.MustCompile(`(?m)^go (\d+\.\d+\S*)`)

// goRelease looks whether the Go that is installed is what the module here asks
// for; where there is no module or no Go, there is nothing to say.
func (d *doctor) goRelease(ctx context.Context) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return
	}
	dir, err := os.Getwd()
	if err != nil {
		return
	}
	var module []byte
	for ; ; dir = filepath.Dir(dir) {
		if module, err = os.ReadFile(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) { //nolint:gosec // the module that encloses us
			break
		}
	}
	asked := goLine.FindSubmatch(module)
	if asked == nil {
		return
	}
	command := exec.CommandContext(ctx, tool, "env", "GOVERSION") //nolint:gosec // the user's own go, found on the path
	command.Env, command.Dir = append(os.Environ(), "GOTOOLCHAIN=local", "GOFLAGS="), os.TempDir()
	out, err := command.Output()
	have, want := strings.TrimSpace(string(out)), "go"+string(asked[1])
	switch {
	case err != nil:
		d.say("go", wrong, fmt.Sprintf("%s does not work: %s", tool, oneLine(err)), "install Go anew: https://go.dev/dl")
	case goversion.Compare(have, want) < 0:
		d.say("go", wrong, fmt.Sprintf("%s is too old: %s asks for %s", have, filepath.Join(dir, "go.mod"), want), "install it: https://go.dev/dl")
	default:
		d.say("go", fine, have, "")
	}
}

// server looks at the server that is to be spoken to.
func (d *doctor) server(ctx context.Context) {
	theirs, err := d.to.serverVersion(ctx)
	if err != nil {
		d.say("server", wrong, "no control plane answers at "+d.to.base(), "start one with infinisim serve, or name another by --control or "+variablePrefix+"CONTROL")
		return
	}
	if theirs == "" {
		d.say("server", wrong, "what answers at "+d.to.base()+" is no infinisim", "name the control plane by --control or "+variablePrefix+"CONTROL")
		return
	}
	d.reached = true
	var labs []struct {
		Durable bool `json:"durable"`
	}
	err = d.to.read(ctx, "labs", &labs)
	switch {
	case codeOf(err) == exitDenied && d.to.token == "":
		d.say("token", wrong, "the control plane at "+d.to.base()+" wants a token", "give it by --control-token or "+variablePrefix+"CONTROL_TOKEN")
		return
	case codeOf(err) == exitDenied:
		d.say("token", wrong, "the control plane at "+d.to.base()+" has another token", "give the one that serve was started with by --control-token or "+variablePrefix+"CONTROL_TOKEN")
		return
	case err != nil:
		d.say("server", wrong, oneLine(err), "look at what the server logged")
		return
	}
	d.say("server", fine, d.to.base()+" serves", "")
	for _, l := range labs {
		d.keeps = d.keeps || l.Durable
	}
	if own := thisBuild().Version; theirs != own {
		d.say("version", wrong, fmt.Sprintf("the server is %s, this program is %s", theirs, own), "start the server anew with this program")
	} else {
		d.say("version", fine, own, "")
	}
	d.clock(ctx)
}

// clock looks whether time stands while somebody waits.
func (d *doctor) clock(ctx context.Context) {
	var now clockStatus
	err := d.to.read(ctx, d.to.in("clock"), &now)
	switch {
	case err != nil:
		d.say("clock", wrong, oneLine(err), "infinisim lab list shows the labs")
	case now.Mode == "manual" && now.NextSettle != nil:
		d.say("clock", wrong, "the clock stands, and something waits for it", "infinisim clock settle ends it, infinisim clock speed 1 lets the clock run")
	case now.Mode == "manual":
		d.say("clock", note, "the clock stands until it is moved", "infinisim clock advance moves it, infinisim clock speed 1 lets it run")
	default:
		d.say("clock", fine, fmt.Sprintf("runs at speed %v", now.Speed), "")
	}
}

// ports looks whether a server could listen.
func (d *doctor) ports(ctx context.Context) {
	for _, at := range [][2]string{{"--listen", d.listen}, {"--control", strings.TrimPrefix(d.to.base(), "http://")}} {
		host, port, err := net.SplitHostPort(at[1])
		if err != nil {
			d.say("port", wrong, oneLine(err), fmt.Sprintf("give HOST:PORT by %s", at[0]))
			continue
		}
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", at[1])
		switch {
		case err == nil:
			_ = ln.Close() // nobody came
			d.say("port", fine, at[1]+" is free", "")
		case errors.Is(err, syscall.EADDRINUSE):
			d.say("port", wrong, "port "+port+" is taken", fmt.Sprintf("use serve %s %s for any that is free, or end what listens there", at[0], net.JoinHostPort(host, "0")))
		default:
			d.say("port", wrong, oneLine(err), "use serve "+at[0]+" with an address of this machine")
		}
	}
}

// files looks at the data files of a directory.
func (d *doctor) files() {
	info, err := os.Stat(d.data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.say("data", fine, d.data+" is not there; serve makes it", "")
		return
	case err != nil:
		d.say("data", wrong, oneLine(err), "use another directory for --data")
		return
	case !info.IsDir():
		d.say("data", wrong, d.data+" is no directory", "name the directory of the labs by --data")
		return
	}
	all, err := filepath.Glob(filepath.Join(d.data, "*.db"))
	if err == nil && len(all) == 0 {
		d.say("data", fine, d.data+" holds no lab", "")
	}
	for _, file := range all {
		err := store.Inspect(file)
		switch {
		case err == nil:
			d.say("data", fine, file+" is whole", "")
		case errors.Is(err, store.ErrLocked) && d.keeps:
			d.say("data", note, file+" is in use, as by the server that runs", "")
		case errors.Is(err, store.ErrLocked):
			d.say("data", wrong, file+" is in use by another process", "end that process, or speak to it by --control")
		case errors.Is(err, store.ErrFormat):
			d.say("data", wrong, oneLine(err), "open it with the release that wrote it, export the lab there and import it here; or move the file away")
		case errors.Is(err, store.ErrDamaged):
			d.say("data", wrong, oneLine(err), "serve keeps what is whole and puts the rest aside; if it cannot, it is no data file: move it away")
		default:
			d.say("data", wrong, oneLine(err), "make the file readable, or move it away")
		}
	}
}

// fabricMessages is where processes give each other messages.
const fabricMessages = "/fabric/v1/message"

// peer asks another process for an answer, by a message that is none.
func (d *doctor) peer(ctx context.Context, given string) {
	key, url, ok := strings.Cut(given, "=")
	if !ok || !strings.HasPrefix(url, "http") {
		d.say("peer", wrong, fmt.Sprintf("%q is no peer", given), "give KEY=URL, such as box-2=http://127.0.0.1:8070")
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+fabricMessages, http.NoBody)
	if err != nil {
		d.say("peer", wrong, oneLine(err), "give KEY=URL, such as box-2=http://127.0.0.1:8070")
		return
	}
	r.Header.Set("Authorization", "Bearer "+d.secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.say("peer", wrong, fmt.Sprintf("%s does not answer at %s", key, url), "start it with serve --fabric, or look whether a firewall is between")
		return
	}
	_ = resp.Body.Close() // it said what there is to know
	switch resp.StatusCode {
	case http.StatusBadRequest:
		d.say("peer", fine, key+" answers at "+url, "")
	case http.StatusUnauthorized:
		d.say("peer", wrong, key+" knows another secret", "give all processes one --fabric-secret or "+variablePrefix+"FABRIC_SECRET")
	default:
		d.say("peer", wrong, fmt.Sprintf("what answers at %s is no fabric listener (%s)", url, resp.Status), "give the address of its serve --fabric")
	}
}
