package infinisimtest_test

import (
	"net/http"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	infinisimtest "example.com/infinisimtest"
)

func TestSystem(t *testing.T) {
	testcontainers.SkipIfProviderIsNotHealthy(t)
	c, err := infinisimtest.Run(t.Context(), "infinisim:latest")
	if err != nil {
		t.Fatal(err)
	}
	testcontainers.CleanupContainer(t, c)
	url, err := c.URL(t.Context(), infinisimtest.Primary)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/rest/system", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "123456")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the array answers %s", resp.Status)
	}
}
