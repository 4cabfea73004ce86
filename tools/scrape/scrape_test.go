package scrape_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"weir/tools/scrape"
)

func TestSums(t *testing.T) {
	t.Parallel()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE held gauge\nheld{stream=\"a\"} 1.5e3\nheld{stream=\"b, c\"} 2\n# TYPE come counter\ncome 7\n")
	}))
	t.Cleanup(gateway.Close)
	sums, err := scrape.Sums(t.Context(), gateway.URL, "held", "come")
	if err != nil || sums["held"] != 1502 || sums["come"] != 7 {
		t.Errorf("%v, %v", sums, err)
	}
	if _, err = scrape.Sums(t.Context(), gateway.URL, "gone"); err == nil {
		t.Error("a metric that there is not is no error")
	}
}
