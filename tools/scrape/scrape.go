// Package scrape reads a gateway's metrics, for the programs that measure. It owns no
// goroutine.
package scrape

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// patience bounds how long the gateway may take to answer, on a machine that is busy
// with something else.
const patience = time.Minute

// Sums reads the metrics at url and adds up the series of each name, which are gauges
// or counters. It is an error if one has none.
func Sums(ctx context.Context, url string, names ...string) (sums map[string]float64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the metrics at %s: %w", url, err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return nil, err
	}
	sums = make(map[string]float64, len(names))
	for _, name := range names {
		family := families[name]
		if family == nil {
			return nil, fmt.Errorf("there is no %s", name)
		}
		for _, series := range family.Metric {
			sums[name] += series.GetGauge().GetValue() + series.GetCounter().GetValue() + series.GetUntyped().GetValue()
		}
	}
	return sums, nil
}
