module shop

go 1.19

require buddy.example/verify v0.1.0

replace buddy.example/verify => ../../sdk/go
