//! Messages of the language server protocol: JSON-RPC 2.0 behind headers (LSP 3.17, base protocol).

use std::io::{self, BufRead, Read as _, Write};

use serde_json::{Value, json};

/// Largest message, in bytes.
const LARGEST: usize = 16 << 20;

/// The next message; none when the other side has closed.
pub(super) fn read<R: BufRead>(from: &mut R) -> io::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if (&mut *from).take(8192).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let length =
        length.filter(|length| *length <= LARGEST).ok_or_else(|| wrong("a message without a usable length"))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    serde_json::from_slice(&body).map(Some).map_err(|_| wrong("a message that is not JSON"))
}

fn write(to: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    to.flush()
}

/// Answers the request `id`.
pub(super) fn answer(to: &mut impl Write, id: &Value, result: &Value) -> io::Result<()> {
    write(to, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

/// Says that the request `id` is not one that is known here.
pub(super) fn refuse(to: &mut impl Write, id: &Value, method: &str) -> io::Result<()> {
    let error = json!({ "code": -32601, "message": format!("`{method}` is not known here") });
    write(to, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

/// Tells something that nobody asked for.
pub(super) fn tell(to: &mut impl Write, method: &str, parameters: &Value) -> io::Result<()> {
    write(to, &json!({ "jsonrpc": "2.0", "method": method, "params": parameters }))
}
