//! Connections: a bounded number, each wait for one bounded, and none that is broken used twice.

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool as Connections, RecyclingMethod, Runtime, Timeouts,
};
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failure;
use super::url::DatabaseUrl;
use super::{OpenError, tls, writer};
use crate::vitals::FailureCounts;
use crate::{Durability, PoolUse};

/// Each is a process of the server's, and a node's work is short: it waits for the disk, and the next takes its place.
/// Six nodes together stay below the 100 that a server takes by default, with those of [`Direct`] counted.
pub(super) const CONNECTIONS: u8 = 12;
/// The most that a node has: these and the writer's, and one each for its signs of life, for what it tells and for what it
/// hears.
pub(super) const CONNECTIONS_OF_A_NODE: u8 = CONNECTIONS + writer::CONNECTIONS + 3;
/// The wait for a free connection, and for a new one: a caller that gets none by then is better told so.
const CONNECTION_WAIT: Duration = Duration::from_secs(2);
/// An operation as a whole; each takes some milliseconds when all is well.
pub(super) const OPERATION: Duration = Duration::from_secs(5);
/// Below [`OPERATION`], so that the server is the one to say so where only a statement is slow; what is beyond it is a
/// connection that does not answer.
const STATEMENT: Duration = Duration::from_secs(4);
/// A transaction whose node has gone without a word lets its locks go.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// A connection that is used for nothing is asked whether it is alive, and given up when three questions are lost.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;
/// What was sent is acknowledged by then.
const UNACKNOWLEDGED: Duration = Duration::from_secs(6);

/// Every statement has an index for its look-ups. While a table is small, reading through it seems cheaper, and the plan
/// that is kept for that would be the same when it has grown. What is priced as a plan of last resort is not worth to be
/// compiled.
pub(super) const PLANNING: &str =
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

/// How connections are made: of the pools, and those that live as long as the store.
#[derive(Clone)]
pub(super) struct Direct {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Direct(…)")
    }
}

impl Direct {
    pub(super) fn new(url: &DatabaseUrl, durability: Durability) -> Result<Self, OpenError> {
        let mut config = url.config.clone();
        config
            .application_name("buddy")
            .connect_timeout(CONNECTION_WAIT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(UNACKNOWLEDGED)
            // Whatever the role or the database has for a default: what is written here relies on it.
            .options(format!(
                "-c default_transaction_isolation=read\\ committed -c synchronous_commit={} -c statement_timeout={} \
                -c idle_in_transaction_session_timeout={} {PLANNING}",
                match durability {
                    Durability::Full => "on",
                    Durability::Normal => "off",
                },
                STATEMENT.as_millis(),
                IDLE_IN_TRANSACTION.as_millis()
            ));
        Ok(Self { config, tls: tls::connector(url)? })
    }

    /// A connection outside of the pools, with its other half, which has to be polled.
    pub(super) async fn connect(&self) -> Result<(tokio_postgres::Client, Driver), Failure> {
        let connecting = async {
            Ok(match &self.tls {
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    (client, Driver::Plain(Box::new(connection)))
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    (client, Driver::Tls(Box::new(connection)))
                }
            })
        };
        timeout(CONNECTION_WAIT, connecting)
            .await
            .unwrap_or(Err(Failure::NoConnection("it does not answer to new connections")))
    }

    fn pool(&self, size: usize) -> Connections {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            None => Manager::from_config(self.config.clone(), NoTls, recycling),
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), recycling),
        };
        let wait = Some(CONNECTION_WAIT);
        Connections::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .build()
            .expect("a runtime is set, which timeouts need")
    }
}

/// What moves the bytes of a connection.
pub(super) enum Driver {
    Plain(Box<tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>>),
    Tls(Box<tokio_postgres::Connection<tokio_postgres::Socket, TlsStream>>),
}

type TlsStream = <<MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::TlsConnect as tokio_postgres::tls::TlsConnect<tokio_postgres::Socket>>::Stream;

impl Driver {
    /// The next thing that the server says by itself; `None`: the connection has ended.
    pub(super) fn poll_message(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<tokio_postgres::AsyncMessage, tokio_postgres::Error>>> {
        match self {
            Self::Plain(connection) => connection.poll_message(context),
            Self::Tls(connection) => connection.poll_message(context),
        }
    }

    /// Moves bytes until the client is dropped, or the connection ends.
    pub(super) async fn run(mut self) {
        while let Some(Ok(_)) = std::future::poll_fn(|context| self.poll_message(context)).await {}
    }
}

/// Some connections of the same kind.
pub(super) struct Pool {
    connections: Connections,
    /// Of what was done on them.
    pub(super) failures: FailureCounts,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool(…)")
    }
}

impl Pool {
    pub(super) fn new(direct: &Direct, size: u8) -> Self {
        Self { connections: direct.pool(usize::from(size)), failures: FailureCounts::default() }
    }

    pub(super) async fn get(&self) -> Result<Lease, Failure> {
        Ok(Lease(Some(self.connections.get().await?)))
    }

    /// One connection did not answer; those that are idle may be as dead, and are made anew when they are needed.
    pub(super) fn distrust(&self, failure: &Failure) {
        if matches!(failure, Failure::TooSlow) {
            self.connections.retain(|_, _| false);
        }
    }

    /// How far it is used now.
    pub(super) fn in_use(&self) -> PoolUse {
        let status = self.connections.status();
        PoolUse {
            most: status.max_size,
            in_use: status.size.saturating_sub(status.available),
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Closes what is idle, and all else when it is given back.
    pub(super) fn close(&self) {
        self.connections.close();
    }
}

/// A connection that is given back when what was done on it has come to its end, well or not. If that was cut off, no one
/// knows what is still to come of it, and the connection is closed.
pub(super) struct Lease(Option<Object>);

impl Lease {
    pub(super) fn client(&mut self) -> &mut Object {
        self.0.as_mut().expect("it is there until it is given back")
    }

    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(cut_off) = self.0.take() {
            drop(Object::take(cut_off));
        }
    }
}

/// Bounds an operation.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(OPERATION, work).await.unwrap_or(Err(Failure::TooSlow))
}

/// Reads on a connection of the store's pool; done again where the connection was dead.
macro_rules! reading {
    ($store:expr, |$client:ident| $work:expr) => {{
        let mut tries = $crate::postgres::failure::Tries::new();
        loop {
            let outcome = $crate::postgres::pool::in_time(async {
                let mut lease = $store.pool.get().await?;
                let outcome = {
                    let $client = &*lease.client();
                    let work: Result<_, $crate::postgres::failure::Failure> = async { $work }.await;
                    work
                };
                lease.give_back();
                outcome.map_err($crate::postgres::failure::Failure::of_reading)
            })
            .await;
            match outcome {
                Err(failure) if tries.again(&failure) => {}
                outcome => {
                    break $store.pool.failures.counted(outcome.map_err(|failure| {
                        $store.pool.distrust(&failure);
                        $crate::StoreError::from(failure)
                    }));
                }
            }
        }
    }};
}
pub(super) use reading;

/// Writes in one transaction on a connection of the store's pool; done again where it was undone for another's sake.
macro_rules! writing {
    ($store:expr, |$tx:ident| $work:expr) => {{
        let mut tries = $crate::postgres::failure::Tries::new();
        loop {
            let outcome = $crate::postgres::pool::in_time(async {
                let mut lease = $store.pool.get().await?;
                let outcome = async {
                    let begun = lease.client().transaction().await;
                    let transaction = begun.map_err($crate::postgres::failure::Failure::of_nothing_done)?;
                    let work: Result<_, $crate::postgres::failure::Failure> = async {
                        let $tx = &transaction;
                        $work
                    }
                    .await;
                    let value = work?;
                    transaction.commit().await?;
                    Ok(value)
                }
                .await;
                lease.give_back();
                outcome
            })
            .await;
            match outcome {
                Err(failure) if tries.again(&failure) => {}
                outcome => {
                    break $store.pool.failures.counted(outcome.map_err(|failure| {
                        $store.pool.distrust(&failure);
                        $crate::StoreError::from(failure)
                    }));
                }
            }
        }
    }};
}
pub(super) use writing;
