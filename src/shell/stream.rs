//! What file descriptors lead to.

use std::cell::RefCell;
use std::rc::Rc;

/// The other end of a file descriptor.
#[derive(Clone, Debug)]
pub(super) enum Stream {
    /// `/dev/null`.
    Null,
    /// Bytes to be read; copies of the descriptor share the place.
    Input(Rc<RefCell<Input>>),
    /// Bytes that somebody collects.
    Output(Rc<RefCell<Vec<u8>>>),
    /// A file that is written to.
    File(Rc<str>),
}

/// Bytes, and how far they were read.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Rc<[u8]>,
    at: usize,
}

impl Input {
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let rest = self.bytes[self.at..].to_vec();
        self.at = self.bytes.len();
        rest
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let next = self.bytes.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }
}

impl Stream {
    pub(super) fn input(bytes: impl Into<Rc<[u8]>>) -> Self {
        Self::Input(Rc::new(RefCell::new(Input { bytes: bytes.into(), at: 0 })))
    }

    /// A stream that collects, and what it collects.
    pub(super) fn output() -> (Self, Rc<RefCell<Vec<u8>>>) {
        let bytes = Rc::new(RefCell::new(Vec::new()));
        (Self::Output(Rc::clone(&bytes)), bytes)
    }
}
