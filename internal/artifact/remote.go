package artifact

import (
	"net/url"
	"regexp"
	"strings"
)

// scpLike is git's short form of an ssh address: [user@]host:path.
var scpLike = regexp.MustCompile(`^(?:[^@/:]+@)?([A-Za-z0-9.-]+):([^:][^\\]*)$`)

// withoutCredentials gives a remote's address with everything removed that
// may be secret: passwords, tokens in place of a user name, query, fragment.
// Local paths and remote helpers ("ext::…") name nothing for others: "".
func withoutCredentials(remote string) string {
	if m := scpLike.FindStringSubmatch(remote); m != nil && !strings.Contains(remote, "://") {
		return "git@" + m[1] + ":" + m[2]
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return ""
	}
	clean := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	switch u.Scheme {
	case "http", "https", "git":
	case "ssh", "git+ssh":
		clean.User = url.User("git")
	default:
		return ""
	}
	return clean.String()
}

// sourceLabel gives the one name that all ways to reach a repository share, so
// that a clone by ssh and one by https make the same image. It is an address
// for people; nothing is fetched from it.
func sourceLabel(remote string) string {
	host, path := "", ""
	if m := scpLike.FindStringSubmatch(remote); m != nil && !strings.Contains(remote, "://") {
		host, path = m[1], m[2]
	} else if u, err := url.Parse(remote); err == nil {
		host, path = u.Hostname(), u.Path
		if port := u.Port(); port != "" && strings.HasPrefix(u.Scheme, "http") {
			host = u.Host
		}
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if host == "" {
		return ""
	}
	return "https://" + strings.ToLower(host) + "/" + path
}
