//! A socket that writes its bill, and the books of the ledger, while it is used.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::bill::Bill;
use crate::ledger::ConnectionBooks;

/// A socket, its bill, and what the ledger will say of it.
#[derive(Debug)]
pub(crate) struct Metered {
    stream: TcpStream,
    bill: Arc<Bill>,
    books: Arc<ConnectionBooks>,
}

impl Metered {
    pub(crate) fn new(stream: TcpStream, bill: Arc<Bill>, books: Arc<ConnectionBooks>) -> Self {
        Self {
            stream,
            bill,
            books,
        }
    }

    pub(crate) fn books(&self) -> &Arc<ConnectionBooks> {
        &self.books
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.bill.read(read);
            self.books.read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.bill.write(written);
        self.books.write(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
