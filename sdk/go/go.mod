module buddy.example/verify

go 1.19
