# Every check and every test
test:
    scripts/test

# Buddy beside its peers: measured anew, into docs/reference/performance.md
bench *arguments:
    scripts/bench {{arguments}}

# Only sees that the benchmarks run
bench-short:
    scripts/bench --short

# A shop with the chat in it, in the browser
demo:
    cargo run -- demo
