package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailscale/setec/client/setec"
)

const (
	callers  = 32 // of the concurrent gets
	unitSize = 20 // secrets of one unit
	rounds   = 51 // of which the median is taken
	warmUp   = 5  // rounds that do not count
	duration = 3 * time.Second
)

// report is what the program prints; main's comment says what each field means.
type report struct {
	Server        string  `json:"server"`
	Stored        int     `json:"stored"`
	OpenMs        float64 `json:"open_ms"`
	PutMs         float64 `json:"put_ms"`
	GetMs         float64 `json:"get_ms"`
	UnitMs        float64 `json:"unit_ms"`
	GetsPerSecond float64 `json:"gets_per_second"`
}

func measure(ctx context.Context, client setec.Client) (report, error) {
	var unit []string
	for i := range unitSize {
		name := fmt.Sprintf("bench/unit/%02d", i)
		if _, err := client.Put(ctx, name, value(i)); err != nil {
			return report{}, fmt.Errorf("put %s: %w", name, err)
		}
		unit = append(unit, name)
	}
	put, err := median(func(round int) error {
		// Of another run's values none may be the latest: that put would store nothing.
		_, err := client.Put(ctx, "bench/put", fmt.Appendf(nil, "%s %d", time.Now(), round))
		return err
	})
	if err != nil {
		return report{}, fmt.Errorf("put: %w", err)
	}
	get, err := median(func(int) error {
		_, err := client.Get(ctx, unit[0])
		return err
	})
	if err != nil {
		return report{}, fmt.Errorf("get: %w", err)
	}
	all, err := median(func(int) error {
		for _, name := range unit {
			if _, err := client.Get(ctx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return report{}, fmt.Errorf("get a unit's secrets: %w", err)
	}
	rate, err := throughput(ctx, client, unit)
	if err != nil {
		return report{}, fmt.Errorf("get by %d callers: %w", callers, err)
	}
	return report{
		PutMs: milliseconds(put), GetMs: milliseconds(get), UnitMs: milliseconds(all),
		GetsPerSecond: rate,
	}, nil
}

// value returns the value of a secret: as long as a token usually is.
func value(number int) []byte {
	return fmt.Appendf(nil, "%064d", number)
}

// median returns the median time of a round.
func median(round func(number int) error) (time.Duration, error) {
	var took []time.Duration
	for number := range warmUp + rounds {
		began := time.Now()
		if err := round(number); err != nil {
			return 0, err
		}
		if number >= warmUp {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// throughput returns how many gets a second all callers get answered together.
func throughput(ctx context.Context, client setec.Client, names []string) (float64, error) {
	var (
		all      sync.WaitGroup
		answered atomic.Int64
		failed   = make(chan error, callers)
		began    = time.Now()
	)
	for caller := range callers {
		all.Go(func() {
			for i := caller; time.Since(began) < duration; i++ {
				if _, err := client.Get(ctx, names[i%len(names)]); err != nil {
					failed <- err
					return
				}
				answered.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(answered.Load()) / took.Seconds(), nil
	}
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration.Microseconds()) / 1000
}
