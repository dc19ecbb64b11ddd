package scaffold

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
)

// stack is how applications of one language are built, tested and run.
type stack struct {
	from        string   // the file that told it
	says        string   // in words, "a Go module"
	build       []string // commands
	test        string
	coverage    string // the report; "" where the tests do not measure it
	format      string
	release     []string
	releaseFrom string   // what says so; "" where it is usual
	web         string   // how it is run, where nothing else says it
	webFrom     string   // what says so; "" where it is guessed
	testFrom    string   // what says how it is tested; "" where it is usual
	system      []string // packages of the operating system that hold the interpreter
	ofSystem    bool     // its modules come from the operating system
	django      string   // how Python is started for manage.py, with a space behind it; "" for other applications
	notes       []string
}

// nodeScripts are the usual names of a script that serves.
var nodeScripts = []string{"server.js", "app.js", "index.js", "main.js", "server.mjs", "app.mjs", "index.mjs", "main.mjs", "server.cjs", "app.cjs", "index.cjs"}

// detect recognizes the language by the file that pins its dependencies.
func detect(f *facts, name string) stack {
	switch {
	case f.has("go.mod"):
		return goStack(f, name)
	case f.firstOf("requirements.txt", "pyproject.toml", "manage.py") != "":
		return pythonStack(f)
	case f.has("pom.xml"):
		return mavenStack(f)
	case f.firstOf("build.gradle", "build.gradle.kts") != "":
		return gradleStack(f)
	case f.has("Gemfile"):
		return rubyStack(f)
	case f.has("composer.json"):
		return phpStack(f)
	case f.has("package.json"): // late: others hold it too, for their assets
		return nodeStack(f)
	case f.firstOf("app.py", "main.py") != "" && len(f.tests) > 0:
		return systemPython(f)
	case f.firstOf("app.py", "main.py") != "":
		return scriptStack(f.firstOf("app.py", "main.py"), "python3", "a Python script", "python3")
	case f.firstOf(nodeScripts...) != "":
		return scriptStack(f.firstOf(nodeScripts...), "node", "a Node script", "nodejs")
	case f.firstOf("public/index.php", "index.php") != "":
		s := phpStack(f)
		return stack{from: f.firstOf("public/index.php", "index.php"), says: "a PHP script", web: s.web}
	}
	return stack{notes: []string{"No file tells the language: write build and test by hand."}}
}

// scriptStack is a script with no file that pins dependencies.
func scriptStack(file, program, says, system string) stack {
	return stack{from: file, says: says, web: program + " " + file, system: []string{system}, ofSystem: true,
		notes: []string{"No file pins dependencies, and nothing tells how " + says + " is built and tested: write build and test by hand."}}
}

func goStack(f *facts, name string) stack {
	target := "."
	s := stack{from: "go.mod", says: "a Go module", test: "go test -coverprofile=coverage.out ./...", coverage: "coverage.out", format: "go"}
	if len(f.mains) > 0 && f.mains[0] != "." {
		target = "./" + f.mains[0]
		for _, dir := range f.mains { // the one that is named like the application serves it
			if path.Base(dir) == name {
				target = "./" + dir
			}
		}
	}
	if len(f.mains) > 1 {
		s.notes = append(s.notes, "Several folders hold package main ("+strings.Join(f.mains, ", ")+"): "+target+" is taken for the one that serves.")
	}
	if len(f.tests) == 0 {
		s.test, s.coverage, s.format = "", "", ""
		s.notes = append(s.notes, "No tests were found.")
	}
	s.build = []string{"go build -o bin/" + name + " " + target}
	s.web = "./bin/" + name
	return s
}

func nodeStack(f *facts) stack {
	var p struct {
		Scripts map[string]string `json:"scripts"`
		Main    string            `json:"main"`
	}
	s := stack{from: "package.json", says: "a Node package", build: []string{"npm install"}, system: []string{"nodejs"}}
	if err := json.Unmarshal([]byte(f.files["package.json"]), &p); err != nil {
		s.notes = append(s.notes, "package.json is not valid JSON, so its scripts are not used.")
	}
	if f.has("package-lock.json") {
		s.build[0] = "npm ci"
	} else {
		s.notes = append(s.notes, "There is no package-lock.json: commit one, so that the dependencies are pinned.")
	}
	for _, name := range []string{"migrate", "db:migrate"} {
		if command := p.Scripts[name]; strings.HasPrefix(command, "node ") || strings.HasPrefix(command, "npx ") {
			s.release, s.releaseFrom = []string{command}, "package.json, scripts."+name
		}
	}
	if p.Scripts["build"] != "" {
		s.build = append(s.build, "npm run build")
	}
	nodeTest(f, p.Scripts["test"], &s)
	start := p.Scripts["start"]
	switch {
	case strings.HasPrefix(start, "node "):
		s.webFrom = "package.json, scripts.start"
		s.web = start // without npm between, which would not pass signals on
	case start != "":
		s.web = "npm start"
		s.notes = append(s.notes, "npm start puts a process between that may not pass signals on: write the command itself as processes.web.")
	case p.Main != "":
		s.web, s.webFrom = "node "+p.Main, "package.json, main"
	default:
		if file := f.firstOf(nodeScripts...); file != "" {
			s.web = "node " + file
		}
	}
	return s
}

// ignoredReport is a report that git is told to leave alone.
var ignoredReport = regexp.MustCompile(`(?m)^/?([\w.-]*lcov[\w.-]*)$`)

func nodeTest(f *facts, script string, s *stack) {
	text := f.files["package.json"]
	if script == "" && f.nodeTests != "" {
		script, s.testFrom = "node --test", f.nodeTests+" uses node:test"
	}
	switch {
	case script == "" || strings.Contains(script, "no test specified"):
		s.notes = append(s.notes, "package.json has no test script.")
		return
	case strings.Contains(script, "jest") || strings.Contains(text, `"jest"`):
		s.test, s.coverage = "npm test -- --coverage", "coverage/lcov.info"
	case strings.Contains(text, `"c8"`):
		s.test, s.coverage = "npx c8 --reporter=lcov npm test", "coverage/lcov.info"
	case strings.HasPrefix(script, "node --test"):
		s.coverage = "coverage.lcov"
		if m := ignoredReport.FindStringSubmatch(f.files[".gitignore"]); m != nil {
			s.coverage = m[1]
		}
		if s.testFrom == "" {
			s.testFrom = "package.json, scripts.test, with its coverage"
		}
		s.test = "node --test --experimental-test-coverage --test-reporter=lcov --test-reporter-destination=" + s.coverage +
			" --test-reporter=tap --test-reporter-destination=stdout" + strings.TrimPrefix(script, "node --test")
	default:
		s.test = "npm test"
	}
	if s.coverage != "" {
		s.format = "lcov"
	}
}

func mavenStack(f *facts) stack {
	s := stack{from: "pom.xml", says: "a Maven project", build: []string{"mvn -B package -DskipTests"}, test: "mvn -B verify",
		web: "sh -c 'exec java -jar target/*.jar'", notes: []string{"processes.web takes the only jar in target: name it."}}
	if strings.Contains(f.files["pom.xml"], "jacoco") {
		s.coverage, s.format = "target/site/jacoco/jacoco.xml", "jacoco"
	}
	return s
}

func gradleStack(f *facts) stack {
	file, gradle := f.firstOf("build.gradle", "build.gradle.kts"), "gradle"
	if f.has("gradlew") {
		gradle = "./gradlew"
	}
	s := stack{from: file, says: "a Gradle project", build: []string{gradle + " assemble"}, test: gradle + " test",
		web: "sh -c 'exec java -jar build/libs/*.jar'", notes: []string{"processes.web takes the only jar in build/libs: name it."}}
	if strings.Contains(f.files[file], "jacoco") {
		s.test += " jacocoTestReport"
		s.coverage, s.format = "build/reports/jacoco/test/jacocoTestReport.xml", "jacoco"
	}
	return s
}

func rubyStack(f *facts) stack {
	gems := f.files["Gemfile"]
	s := stack{from: "Gemfile", says: "a Ruby bundle", build: []string{"bundle install"}, test: "bundle exec rake test"}
	if strings.Contains(gems, "rspec") {
		s.test = "bundle exec rspec"
	}
	if strings.Contains(gems, "simplecov-lcov") {
		s.coverage, s.format = "coverage/lcov.info", "lcov"
	}
	if strings.Contains(gems, "simplecov-cobertura") {
		s.coverage, s.format = "coverage/coverage.xml", "cobertura"
	}
	switch {
	case f.has("bin/rails"):
		s.web, s.release = "bundle exec rails server -b 0.0.0.0 -p $PORT", []string{"bundle exec rails db:migrate"}
	case f.has("config.ru"):
		s.web = "bundle exec rackup -o 0.0.0.0 -p $PORT"
	}
	return s
}

func phpStack(f *facts) stack {
	s := stack{from: "composer.json", says: "a PHP package", build: []string{"composer install"}}
	if strings.Contains(f.files["composer.json"], "phpunit") {
		s.test, s.coverage, s.format = "vendor/bin/phpunit --coverage-cobertura coverage.xml", "coverage.xml", "cobertura"
	}
	if f.has("public/index.php") {
		s.web = "php -S 0.0.0.0:$PORT -t public"
	} else if f.has("index.php") {
		s.web = "php -S 0.0.0.0:$PORT"
	}
	return s
}

var procLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(\S.*?)\s*$`)

// procfile returns the process types of a Procfile in order.
func procfile(text string) [][2]string {
	var out [][2]string
	for line := range strings.SplitSeq(text, "\n") {
		if m := procLine.FindStringSubmatch(line); m != nil {
			out = append(out, [2]string{m[1], m[2]})
		}
	}
	return out
}

var dockerCommand = regexp.MustCompile(`(?mi)^(CMD|ENTRYPOINT)[ \t]+(.+?)[ \t\r]*$`)

// dockerWeb returns the command that a Dockerfile's image runs, "" for none.
func dockerWeb(text string) string {
	last := map[string]string{}
	for _, m := range dockerCommand.FindAllStringSubmatch(text, -1) {
		last[strings.ToUpper(m[1])] = dockerWords(m[2])
	}
	return strings.TrimSpace(last["ENTRYPOINT"] + " " + last["CMD"])
}

// dockerWords turns the JSON form of a command into a line of shell.
func dockerWords(command string) string {
	var words []string
	if json.Unmarshal([]byte(command), &words) != nil {
		return command
	}
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n\"'\\$`*?[]{}()<>|&;#~!") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
