module modelwire.example/bench

go 1.23
