package artifact

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// carried are the variables of the caller's environment that a build sees:
// where programs and caches are, and how the network is reached. Everything
// else stays outside, so that no build depends on it unseen.
//
// The list holds no variable whose purpose is a credential. A proxy's address
// or a private registry's (PIP_INDEX_URL, GOPROXY) may carry one.
var carried = []string{
	"PATH", "HOME", "TMPDIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
	// Go
	"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT", "GOFLAGS", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOTOOLCHAIN",
	// JavaScript
	"NPM_CONFIG_CACHE", "npm_config_cache", "NPM_CONFIG_REGISTRY", "npm_config_registry", "NPM_CONFIG_USERCONFIG",
	"YARN_CACHE_FOLDER", "PNPM_HOME", "COREPACK_HOME", "NVM_DIR",
	// Python
	"PIP_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT",
	"UV_CACHE_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "POETRY_CACHE_DIR", "PIPENV_CACHE_DIR", "PYENV_ROOT",
	// JVM
	"JAVA_HOME", "MAVEN_HOME", "MAVEN_OPTS", "MAVEN_ARGS", "GRADLE_USER_HOME", "GRADLE_OPTS",
	// Rust, Ruby, PHP, .NET
	"CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN",
	"BUNDLE_PATH", "BUNDLE_USER_HOME", "BUNDLE_USER_CACHE", "BUNDLE_USER_CONFIG", "GEM_HOME", "GEM_PATH", "GEM_SPEC_CACHE",
	"COMPOSER_HOME", "COMPOSER_CACHE_DIR", "NUGET_PACKAGES", "DOTNET_ROOT",
}

// Environment makes a build's environment from the caller's, given as
// KEY=VALUE, and the commit's time: the variables of a fixed list, LANG, CI and
// SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/).
// It is sorted.
//
// GOFLAGS gets -buildvcs=false: a checkout has no .git, so whatever repository
// Go found would be another one, above it. The image names its commit itself.
//
// GODEBUG gets goindex=0: Go remembers what a folder imports by the paths,
// sizes and times of its files. Checkouts of two commits at the same path have
// the commit's times, so an edit that keeps a file's size would be built from
// the memory of the other one.
func Environment(host []string, commitTime time.Time) []string {
	stamp := Revision{CommitTime: commitTime}.stamp()
	env := []string{"LANG=C.UTF-8", "CI=true", "SOURCE_DATE_EPOCH=" + strconv.FormatInt(stamp.Unix(), 10)}
	goflags := ""
	for _, pair := range host {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case name == "GOFLAGS":
			goflags = value
		case slices.Contains(carried, name):
			env = append(env, pair)
		}
	}
	if !strings.Contains(goflags, "-buildvcs") {
		goflags = strings.TrimSpace(goflags + " -buildvcs=false")
	}
	env = append(env, "GOFLAGS="+goflags, "GODEBUG=goindex=0")
	slices.Sort(env)
	return slices.Compact(env)
}

// privateTemp gives a build a TMPDIR of its own, removed by the returned
// function, since steps that are killed leave theirs behind.
func privateTemp(env []string) ([]string, func() error, error) {
	dir, err := os.MkdirTemp(lookup(env, "TMPDIR"), "roadworthy-build-")
	if err != nil {
		return nil, nil, err
	}
	env = slices.DeleteFunc(slices.Clone(env), func(pair string) bool { return strings.HasPrefix(pair, "TMPDIR=") })
	return append(env, "TMPDIR="+dir), func() error { return os.RemoveAll(dir) }, nil
}

func lookup(env []string, name string) string {
	for _, pair := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
