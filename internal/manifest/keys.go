package manifest

import "regexp"

// The texts that several keys share.
var (
	anyText  = &text{says: "a text", loose: true}
	sentence = &text{says: "a text that is not empty", form: regexp.MustCompile(`\S`)}
	nameText = &text{says: "a lower case letter, then lower case letters, digits and dashes, 63 at most",
		form: regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)}
	variable = &text{says: "letters, digits and underscores, without a digit in front",
		form: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)}
	localPath = &text{says: "a path inside the application's folder", form: regexp.MustCompile(`^[^/]`)}
	header    = &text{says: "the name of an HTTP header", form: regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")}
	above     = &text{says: `a folder above the application's, such as "../.."`, form: regexp.MustCompile(`^\.\.(/\.\.){0,7}/?$`)}
	period    = &text{says: `a number and its unit, such as "10s" or "2m"`, form: regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)}
)

// The shapes that several keys share.
var (
	command  = &shape{says: "a shell command", example: "./bin/app", text: sentence}
	commands = &shape{says: "a shell command or a list of them", example: "[make]", text: sentence, list: command}
	setting  = &shape{says: "the name of a setting", example: "STATUS_TOKEN", text: variable}

	requestShape = &shape{says: `a request: "METHOD PATH", then nothing, {key: value} or json {key: value}`, example: "GET /",
		text: &text{says: `"METHOD PATH", "METHOD PATH {key: value}" or "METHOD PATH json {key: value}"`, form: stepForm}}
	stepShape = &shape{says: `a step such as "GET /" or {request: "GET /", headers: {Accept: text/html}}`, example: "GET /",
		text: requestShape.text,
		keys: []key{
			{"request", "The request: method, path and body.", true, requestShape},
			{"headers", "Request headers; $NAME is the value of a setting, $nonce a fresh text.", false,
				&shape{says: "a mapping of headers", example: "{Accept: text/html}", names: header,
					each: &shape{says: "a header's value", example: "text/html", text: anyText}}},
		}}
)

func seconds(example, def string) *shape {
	return &shape{says: `a duration such as "` + example + `"`, example: example, def: def, text: period}
}

func oneOf(words ...string) *shape {
	return &shape{says: "one of the words that are allowed", example: words[0], text: &text{says: "one of the words that are allowed", enum: words}}
}

func truth(says, def string) *shape {
	return &shape{says: "true or false", example: says, def: def, truth: true}
}

func word(says, example string, t *text) *shape {
	return &shape{says: says, example: example, text: t}
}

func words(says, example string, t *text) *shape {
	return &shape{says: says, example: "[" + example + "]", text: t, list: &shape{says: t.says, example: example, text: t}}
}

// manifestShape is the whole file. Whatever is read anywhere in this room
// stands here first.
var manifestShape = &shape{
	says: "a mapping that begins with name:", example: "{name: app, processes: {web: ./bin/app}, traffic: [GET /]}",
	keys: []key{
		{"name", "The application's name.", true, word("a name", "guestbook", nameText)},
		{"boot", "How long it may take until it answers.", false, seconds("30s", "30s")},
		{"build", "How the artifact is made from a clean checkout.", false, buildShape},
		{"test", "How the test suite is run and measured.", false, testShape},
		{"release", "Commands to run once per release, before it serves.", false, commands},
		{"processes", "The process types; web is the one that serves HTTP.", true, processesShape},
		{"run", "It runs under roadworthy run, which supplies what it lacks of the standard.", false, runShape},
		{"behind", "What clients speak with the proxy before it, which says so in X-Forwarded-Proto.", false, oneOf(BehindHTTPS)},
		{"admin", "One-off commands by name.", false,
			&shape{says: "a mapping from names to commands", example: "{shell: ./bin/app shell}", null: true, names: nameText, each: command}},
		{"system", "Operating system packages that it needs at run time.", false, words("a package or a list of them", "libpq5", sentence)},
		{"config", "How the application takes its settings.", false, configShape},
		{"services", "The backing services.", false,
			&shape{says: "a mapping from names to services", example: "{db: postgres}", null: true, names: nameText, each: serviceShape}},
		{"status", "The status route.", false, statusShape},
		{"traffic", "An ordinary session, in order, with one cookie jar.", true,
			&shape{says: "a list of steps", example: "[GET /]", list: stepShape, least: 1}},
		{"faults", "How to make it misbehave on purpose.", false, faultsShape},
	},
}

var buildShape = &shape{
	says: "a command, a list of commands, or {run: …, lock: …}", example: "{run: [make]}", text: sentence, list: command,
	keys: []key{
		{"run", "Shell commands, in order, in the checkout's folder.", false, commands},
		{"context", "A folder above, in the same repository, that is there too while it is built and tested.", false, word("a folder above", "../..", above)},
		{"lock", "Lock files that pin the dependencies; by default the known ones that exist.", false, words("a file or a list of them", "go.sum", localPath)},
	},
}

var testShape = &shape{
	says: "a command or {run: …, coverage: …}", example: "{run: make test, coverage: coverage.out}", text: sentence,
	keys: []key{
		{"run", "Shell command, in the checkout's folder, after the build.", true, command},
		{"coverage", "Coverage report that it writes.", false, word("a file", "coverage.out", localPath)},
		{"format", "Format of the report; by default told from its content.", false, oneOf("go", "cobertura", "lcov", "jacoco", "coverage.py")},
		{"sources", "Globs of the sources that the suite answers for; by default all that the artifact runs.", false, words("a glob or a list of them", `"src/**"`, sentence)},
		{"timeout", "How long the suite may take.", false, seconds("10m", "10m")},
	},
}

var processShape = &shape{
	says: "a command or {run: …}", example: "./bin/app", text: sentence,
	keys: []key{{"run", "The command; variables are expanded.", true, command}},
}

var processesShape = &shape{
	says: "a mapping from process types to commands", example: "{web: ./bin/app}", names: nameText, each: processShape,
	must: []key{{"web", "the process that serves HTTP", true, processShape}},
}

// runShape holds the settings of roadworthy run, which reads them by itself and
// knows their names; here only leave has a meaning.
var (
	runKey   = &text{says: "lower case letters, digits and underscores", form: regexp.MustCompile(`^[a-z][a-z0-9_]*$`)}
	runValue = &shape{says: "a value or a list of them", example: "4", text: anyText, truth: true, list: &shape{says: "a text", example: "error.mail", text: anyText}}
	runShape = &shape{
		says: "a mapping of settings of roadworthy run", example: "{workers: 4}", null: true, names: runKey,
		each: &shape{
			says: "a value, a list, or a mapping of settings", example: "4", text: anyText, truth: true, list: runValue.list,
			null: true, names: runKey, each: runValue,
		},
	}
)

var configShape = &shape{
	says: "a mapping of file and settings", example: "{settings: {PORT: port}}",
	keys: []key{
		{"file", "The flat file that holds the same settings.", false, fileShape},
		{"settings", "The environment variables that it takes.", false,
			&shape{says: "a mapping from variables to settings", example: "{PORT: port}", null: true, names: variable, each: settingShape}},
	},
}

var fileShape = &shape{
	says: "a mapping with one of variable, argument and path", example: "{variable: APP_CONFIG}",
	keys: []key{
		{"variable", "Environment variable that names the file.", false, word("an environment variable", "APP_CONFIG", variable)},
		{"argument", "Command line flag that names the file.", false, word("a flag", "--config",
			&text{says: "a flag that begins with a dash", form: regexp.MustCompile(`^--?[A-Za-z][A-Za-z0-9_.-]*$`)})},
		{"path", "Fixed path, relative to the application's folder.", false, word("a path", "config.yaml", localPath)},
		{"format", "Format of the file; by default from the path's extension, else yaml.", false, oneOf("yaml", "toml", "json", "ini", "dotenv")},
	},
}

var settingShape = &shape{
	says: "a key of the file, a mapping such as {key: port}, or nothing", example: "{key: port}", null: true, text: &text{says: "a key of the file", form: regexp.MustCompile(`^\S+$`)},
	keys: []key{
		{"key", "Dotted key in the configuration file.", false, word("a dotted key", "log.level", &text{says: "a dotted key", form: regexp.MustCompile(`^\S+$`)})},
		{"effect", "How the setting shows from outside; by default from the variable's name.", false,
			oneOf("port", "level", "token", "recipients", "workers", "facility", "service", "reply", "session", "none")},
		{"service", "The service that it names.", false, word("the name of a service", "db", nameText)},
		{"value", "Form of the value, with $url, $host, $port, $user, $password, $database, $path of the service, or $value.", false, word("a text", `"$url"`, anyText)},
		{"reply", "The request whose reply shows the value.", false, stepShape},
		{"secret", "Its value must never appear in logs, mails, replies, files or arguments.", false, truth("true", "by the variable's name")},
		{"invalid", `A value that it must refuse; "" where every text is valid.`, false, &shape{says: "a text", example: `"nonsense"`, null: true, text: anyText}},
		{"levels", "The names of DEBUG, INFO, WARNING and ERROR, in this order.", false,
			&shape{says: "a list of four names", example: "[debug, info, warn, error]", list: word("a name", "debug", anyText)}},
	},
}

var serviceShape = &shape{
	says: "a service type or {type: …, durable: true}", example: "postgres", text: serviceType.text,
	keys: []key{
		{"type", "The kind of service.", true, serviceType},
		{"durable", "Its content must survive: it is backed up.", false, truth("true", "false")},
		{"as", "The name under which the status route speaks of it; by default its own.", false, word("a text", "database", sentence)},
		{"within", "How soon the status route must notice its loss and its return.", false, seconds("10s", "10s")},
	},
}

var serviceType = oneOf("postgres", "mariadb", "mysql", "redis", "sqlite", "smtp", "syslog", "http")

var statusShape = &shape{
	says: "a mapping such as {path: /status, token: STATUS_TOKEN}", example: "{path: /status, token: STATUS_TOKEN}",
	keys: []key{
		{"path", "Path of the route.", false, &shape{says: "a path", example: "/status", def: "/status",
			text: &text{says: "a path that begins with a slash", form: regexp.MustCompile(`^/[^\s\x00-\x1f\x7f]*$`)}}},
		{"token", "The setting that holds its token.", false, setting},
		{"header", "The header that carries the token.", false, &shape{says: "a header line with $token", example: `"Authorization: Bearer $token"`, def: "Authorization: Bearer $token",
			text: &text{says: `"Name: value" with $token in the value`, form: regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+: [^\\x00-\\x1f]*\\$token")}}},
	},
}

var faultsShape = &shape{
	says: "a mapping of exception and slow", example: "{exception: GET /fault}",
	keys: []key{
		{"exception", "A step that raises an exception which the application does not catch itself.", false, stepShape},
		{"slow", "A step that takes at least a second and occupies a worker while it does.", false, stepShape},
	},
}
