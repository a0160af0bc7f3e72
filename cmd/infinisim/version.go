package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the release, set by the linker: -ldflags "-X main.version=1.2.3".
// Empty is a build by hand, which is named after what the build knows.
var version string

// build is what the program was made from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Time     string `json:"time"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// development is the version of a build that no release is.
const development = "devel"

// thisBuild reads what the linker and the tool chain left in the program.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		b.Version = cmp.Or(b.Version, development)
		return b
	}
	if b.Version == "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	b.Version = cmp.Or(b.Version, development)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// versionCommand tells what the program was made from.
func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell the version, the commit, the Go release and the platform", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b := thisBuild()
			if p := printerOf(c); p.json {
				return p.value(b, nil)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "infinisim %s %s %s %s\n", b.Version, cmp.Or(b.Commit, "no-commit"), b.Go, b.Platform)
			return err
		},
	}
}
