module modelwire.example/bench

go 1.23

require github.com/modelwire/modelwire/bindings/go v0.0.0

replace github.com/modelwire/modelwire/bindings/go => ../../../bindings/go
