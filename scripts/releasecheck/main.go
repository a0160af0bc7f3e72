// Command releasecheck reads .goreleaser.yaml as goreleaser does, strictly, and
// sees that it has what a release of infinisim needs. goreleaser itself takes
// minutes to compile; its configuration alone does not.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

func main() {
	p, err := config.Load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b := p.Builds[0]
	switch {
	case len(p.Builds) != 1 || len(b.Goos)*len(b.Goarch) != 6:
		err = fmt.Errorf("%d builds for %v and %v", len(p.Builds), b.Goos, b.Goarch)
	case !slices.Contains(b.Flags, "-trimpath") || b.ModTimestamp == "" || !slices.Contains(b.Env, "CGO_ENABLED=0"):
		err = fmt.Errorf("the build is not the same twice: flags %v, time %q, environment %v", b.Flags, b.ModTimestamp, b.Env)
	case len(p.Archives) != 1 || len(p.NFPMs) != 1 || len(p.SBOMs) != 1 || p.Checksum.Disable:
		err = fmt.Errorf("a release has archives, a package, bills of materials and checksums")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, ".goreleaser.yaml:", err)
		os.Exit(1)
	}
	fmt.Println("ok   .goreleaser.yaml, as goreleaser reads it")
}
