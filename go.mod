module github.com/roadworthy-dev/roadworthy

go 1.26
