module github.com/modelwire/modelwire/bindings/go

go 1.23
