//! `cargo run --profile quick -p buddy-bench -- BENCHMARK PATH-OF-BUDDY [ROUNDS]`

mod client;
mod endpoint;
mod filled;
mod isolation;
mod screens;
mod server;

use std::error::Error;

const USAGE: &str = "usage: buddy-bench isolation|screens PATH-OF-BUDDY [ROUNDS]";
const ROUNDS_DEFAULT: usize = 5;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (benchmark, binary) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    let rounds = arguments.next().map_or(Ok(ROUNDS_DEFAULT), |text| text.parse())?;
    match &*benchmark {
        "isolation" => isolation::run(&binary, rounds).await,
        "screens" => screens::run(&binary, rounds).await,
        _ => Err(USAGE.into()),
    }
}
