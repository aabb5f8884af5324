//! Ports that let nobody in.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// As many as may come at once while the endpoint is busy.
const BACKLOG: i32 = 1024;
/// More than the kernel lets wait at a port that has room for none.
const QUEUE: usize = 8;

/// A port that is taken and not listened on: what comes is refused.
pub struct Shut(Socket);

impl Shut {
    /// Takes the port.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = socket(address)?;
        // Else the same port could not be taken again right after an end.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        Ok(Self(socket))
    }

    /// Where nobody listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let address = self.0.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::other("no address of the internet"))
    }

    /// Listens from now on.
    pub fn open(self) -> io::Result<TcpListener> {
        self.0.listen(BACKLOG)?;
        self.0.set_nonblocking(true)?;
        TcpListener::from_std(self.0.into())
    }
}

/// A port whose queue of connections is full: what comes now gets no answer, not even a refusal.
pub struct Deaf {
    door: Shut,
    _queue: Vec<Socket>,
}

impl Deaf {
    /// Listens, and fills the queue.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let door = Shut::bind(address)?;
        door.0.listen(0)?;
        let address = door.address()?;
        let queue = (0..QUEUE).map(|_| socket(address)).collect::<io::Result<Vec<_>>>()?;
        for waiting in &queue {
            waiting.set_nonblocking(true)?;
            // In progress, which is an error to the type.
            let _ = waiting.connect(&address.into());
        }
        Ok(Self { door, _queue: queue })
    }

    /// Where nobody answers.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    /// Lets everybody in from now on.
    pub fn open(self) -> io::Result<TcpListener> {
        self.door.open()
    }
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
}

/// What an endpoint's port is before it lets anybody in.
pub(crate) enum Door {
    Shut(Shut),
    Deaf(Deaf),
}

impl Door {
    pub(crate) fn open(self) -> io::Result<TcpListener> {
        match self {
            Self::Shut(door) => door.open(),
            Self::Deaf(door) => door.open(),
        }
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Shut(door) => door.address(),
            Self::Deaf(door) => door.address(),
        }
    }
}
