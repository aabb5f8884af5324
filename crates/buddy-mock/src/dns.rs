//! A name server with scripted answers, over UDP and TCP: for names whose addresses change, mix or lead home.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_resolver::proto::op::{Message, ResponseCode};
pub use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

/// What the name server says.
#[derive(Clone, Debug)]
pub enum Says {
    /// These addresses, as far as they are of the family that was asked for.
    Addresses(Vec<&'static str>),
    /// There is no such name.
    NoSuchName,
    /// It cannot say.
    ServerFailure,
    /// Nothing at all.
    Nothing,
}

/// A name server on loopback that counts what it is asked; it ends when it is dropped.
pub struct NameServer {
    address: SocketAddr,
    desk: Arc<Desk>,
    tasks: [JoinHandle<()>; 2],
}

/// The name, the family, how often that was asked before.
type Zone = dyn Fn(&str, RecordType, usize) -> Says + Send + Sync;

struct Desk {
    zone: Box<Zone>,
    asked: Mutex<HashMap<(String, RecordType), usize>>,
}

/// Ports tried before one is found free for both protocols; another program may have half of a few.
const PORTS_TRIED: usize = 20;

async fn one_port() -> io::Result<(UdpSocket, TcpListener)> {
    let mut taken = None;
    for _ in 0..PORTS_TRIED {
        let udp = UdpSocket::bind("127.0.0.1:0").await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => taken = Some(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

impl NameServer {
    /// `zone`: the name, the family, how often that was asked before.
    pub async fn start(
        zone: impl Fn(&str, RecordType, usize) -> Says + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (udp, tcp) = one_port().await?;
        let address = udp.local_addr()?;
        let desk = Arc::new(Desk { zone: Box::new(zone), asked: Mutex::default() });
        let tasks =
            [tokio::spawn(over_udp(udp, Arc::clone(&desk))), tokio::spawn(over_tcp(tcp, Arc::clone(&desk)))];
        Ok(Self { address, desk, tasks })
    }

    /// Where it listens, by UDP and TCP alike.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often a name was asked for, by A and by AAAA.
    pub fn asked(&self, name: &str) -> (usize, usize) {
        let asked = self.desk.asked();
        let times = |family| asked.get(&(name.to_owned(), family)).copied().unwrap_or_default();
        (times(RecordType::A), times(RecordType::AAAA))
    }

    /// Every name that was asked for, once.
    pub fn all_asked(&self) -> Vec<String> {
        let mut names = self.desk.asked().keys().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What fits into a datagram without an extension (RFC 1035, section 4.2.1).
const DATAGRAM_BYTES_MAX: usize = 512;

async fn over_udp(socket: UdpSocket, desk: Arc<Desk>) {
    let mut datagram = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
        let Some(mut answer) = desk.answer(&datagram[..length]) else { continue };
        if answer.to_vec().is_ok_and(|bytes| bytes.len() > DATAGRAM_BYTES_MAX) {
            // The client is to ask again over TCP.
            answer.answers.clear();
            answer.metadata.truncation = true;
        }
        let Ok(bytes) = answer.to_vec() else { continue };
        let _ = socket.send_to(&bytes, from).await;
    }
}

async fn over_tcp(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, Arc::clone(&desk)));
    }
}

/// Each message follows its length (RFC 1035, section 4.2.2).
async fn converse(mut stream: TcpStream, desk: Arc<Desk>) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; length.into()];
        stream.read_exact(&mut query).await?;
        let Some(Ok(answer)) = desk.answer(&query).map(|answer| answer.to_vec()) else { continue };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), &*answer].concat()).await?;
    }
}

impl Desk {
    fn asked(&self) -> MutexGuard<'_, HashMap<(String, RecordType), usize>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, name: &str, family: RecordType) -> usize {
        let mut asked = self.asked();
        let times = asked.entry((name.to_owned(), family)).or_default();
        *times += 1;
        *times - 1
    }

    fn answer(&self, query: &[u8]) -> Option<Message> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?;
        let name = question.name().to_utf8();
        let times = self.count(&name, question.query_type());
        let says = (self.zone)(&name, question.query_type(), times);
        let mut message = Message::response(query.metadata.id, query.metadata.op_code);
        message.metadata.recursion_available = true;
        message.add_query(question.clone());
        match says {
            Says::Nothing => return None,
            Says::NoSuchName => message.metadata.response_code = ResponseCode::NXDomain,
            Says::ServerFailure => message.metadata.response_code = ResponseCode::ServFail,
            Says::Addresses(addresses) => {
                for address in addresses {
                    let data = RData::from(address.parse::<IpAddr>().ok()?);
                    if data.record_type() == question.query_type() {
                        // No TTL at all, as in an attack by rebinding.
                        message.add_answer(Record::from_rdata(question.name().clone(), 0, data));
                    }
                }
            }
        }
        Some(message)
    }
}
