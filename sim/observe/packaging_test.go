package observe_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestPackaging_prometheus holds the example's paths against what is there; its
// queries are evaluated by scripts/promcheck.
func TestPackaging_prometheus(t *testing.T) {
	t.Parallel()
	const folder = "../../packaging/prometheus"
	raw, err := os.ReadFile(filepath.Join(folder, "prometheus.yml"))
	require.NoError(t, err)
	var c struct {
		Rules []string `yaml:"rule_files"`
		Jobs  []struct {
			Path string `yaml:"metrics_path"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &c))
	require.Len(t, c.Jobs, 1)
	assert.Equal(t, "/_sim/metrics", c.Jobs[0].Path)
	require.NotEmpty(t, c.Rules)
	for _, file := range c.Rules {
		assert.FileExists(t, filepath.Join(folder, file))
	}
}
