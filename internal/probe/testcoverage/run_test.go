package testcoverage

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	os.Exit(m.Run())
}

const (
	shopManifest = `name: shop
build: {run: ["node --check shop.mjs"]}
test:
  run: >-
    node --test --experimental-test-coverage --test-reporter=lcov --test-reporter-destination=lcov.info
    --test-reporter=tap --test-reporter-destination=stdout
  coverage: lcov.info
processes: {web: node shop.mjs}
traffic: [GET /]
`
	shopSource = `export function total(prices, percent) {
  const sum = prices.reduce((a, b) => a + b, 0);
  return sum - (sum * percent) / 100;
}

export function label(name, count) {
  return count === 1 ? name : count + ' ' + name + 's';
}

export function cheapest(prices) {
  let best = prices[0];
  for (const price of prices) {
    if (price < best) best = price;
  }
  return best;
}

export function join(first, last) {
  return last + ', ' + first;
}
`
	shopTest = `import assert from 'node:assert/strict';
import test from 'node:test';
import {cheapest, join, label, total} from './shop.mjs';

test('shop', () => {
  assert.equal(total([10, 20], 50), 15);
  assert.deepEqual([label('egg', 1), label('egg', 2)], ['egg', '2 eggs']);
  assert.equal(cheapest([3, 1, 2]), 1);
  assert.equal(join('Ada', 'Lovelace'), 'Lovelace, Ada');
});
`
)

// shop writes the application, changed, and returns a bench on it.
func shop(t *testing.T, change map[string]string) *bench.Bench {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED: node is not installed")
	}
	dir := t.TempDir()
	files := map[string]string{"roadworthy.yaml": shopManifest, "shop.mjs": shopSource, "shop.test.mjs": shopTest}
	maps.Copy(files, change)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bench.New(bench.Options{Manifest: m, Root: t.TempDir(), Dir: t.TempDir(), Seed: 1, Source: bench.Source{Dir: dir, Dirty: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// outcomes runs the probe and gives the outcomes of runs, report and sabotage.
func outcomes(t *testing.T, b *bench.Bench) (string, []standard.Verdict) {
	t.Helper()
	record, err := New().Run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := New().Judge(record)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, v := range verdicts {
		words = append(words, string(v.Outcome))
	}
	if t.Failed() || len(record) > 64<<10 {
		t.Errorf("the record has %d bytes", len(record))
	}
	return strings.Join(words, " "), verdicts
}

func TestSuites(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"honest": {nil, "pass pass pass"},
		"asserts nothing": {map[string]string{
			"shop.test.mjs": strings.NewReplacer("assert.equal(", "String(", "assert.deepEqual(", "String(").Replace(shopTest),
		}, "pass pass fail"},
		"fails": {map[string]string{"shop.test.mjs": strings.Replace(shopTest, "15", "16", 1)}, "fail unknown unknown"},
		"saved report": {map[string]string{
			"roadworthy.yaml": strings.Replace(shopManifest, "  coverage:", "    && cp saved lcov.info\n  coverage:", 1),
			"saved":           "SF:shop.mjs\n" + strings.Repeat("DA:2,1\nDA:3,1\nDA:7,1\nDA:11,1\n", 1) + "end_of_record\n",
		}, "pass fail pass"},
		"a file that is there only once": {map[string]string{
			"roadworthy.yaml": strings.Replace(shopManifest, `["node --check shop.mjs"]`, `["mkdir seen"]`, 1),
		}, "pass unknown unknown"},
		"no coverage": {map[string]string{"roadworthy.yaml": strings.Replace(shopManifest, "  coverage: lcov.info\n", "", 1)}, "pass fail unknown"},
		"old report": {map[string]string{
			"roadworthy.yaml": strings.Replace(shopManifest, "destination=lcov.info", "destination=other.info", 1),
			"lcov.info":       "SF:shop.mjs\nDA:1,1\nend_of_record\n",
		}, "pass fail unknown"},
		"looks at the text": {map[string]string{
			"roadworthy.yaml": strings.Replace(shopManifest, `["node --check shop.mjs"]`, `["[ -f sum ] || sha256sum shop.mjs > sum"]`, 1),
			"shop.test.mjs":   shopTest + "import {execSync} from 'node:child_process';\ntest('text', () => { execSync('sha256sum --check sum'); });\n",
		}, "pass unknown fail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, verdicts := outcomes(t, shop(t, c.change))
			if got == c.want {
				return
			}
			t.Errorf("got %s, want %s", got, c.want)
			for _, v := range verdicts {
				t.Logf("%s: %s\n%s\n%s", v.Claim, v.Outcome, v.Seen, v.Why)
			}
		})
	}
}

// Two suites that use one port turn each other red, which is no fault found.
func TestSuitesThatGetInEachOthersWay(t *testing.T) {
	b := shop(t, map[string]string{
		"shop.test.mjs": strings.NewReplacer("assert.equal(", "String(", "assert.deepEqual(", "String(").Replace(shopTest) +
			"import {createServer} from 'node:net';\ntest('port', (t, done) => { createServer().on('error', done).listen(47113, '127.0.0.1', function () { setTimeout(() => this.close(done), 700); }); });\n",
	})
	got, verdicts := outcomes(t, b)
	if got != "pass pass fail" {
		t.Errorf("got %s: %+v", got, verdicts)
	}
}

func TestASuiteThatHangs(t *testing.T) {
	b := shop(t, map[string]string{"roadworthy.yaml": strings.Replace(shopManifest, "  coverage:", "    && sleep 60\n  timeout: 1s\n  coverage:", 1)})
	if got, verdicts := outcomes(t, b); got != "fail unknown unknown" || !strings.Contains(verdicts[0].Why, "did not end within 1 s") {
		t.Errorf("got %s: %+v", got, verdicts[0])
	}
}

func TestNoSuite(t *testing.T) {
	manifest, _, _ := strings.Cut(shopManifest, "test:")
	b := shop(t, map[string]string{"roadworthy.yaml": manifest + "processes: {web: node shop.mjs}\ntraffic: [GET /]\n"})
	if got, _ := outcomes(t, b); got != "fail fail fail" {
		t.Errorf("got %s", got)
	}
}
