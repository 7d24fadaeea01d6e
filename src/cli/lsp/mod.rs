//! `lsp`: a language server for recipes on standard input and output (Language Server Protocol 3.17): mistakes as one
//! types, what a word means and comes to, where it is declared, which nodes may stand here, and the layout of a file.

mod protocol;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::args::Common;
use super::{Exit, terminal};
use crate::diagnostic::Severity;
use crate::model::{Place, printable, printable_line};
use crate::ops::{self, OpsError};
use crate::recipe::{self, Inspected, Mistake};

/// What an editor has open, and what it was told.
struct Server<W> {
    out: W,
    /// The project's folder, once it is known.
    root: Option<Utf8PathBuf>,
    /// Texts by names relative to the root, as they are in the editor.
    open: BTreeMap<String, String>,
    /// The project as these texts make it.
    inspected: Option<Inspected>,
    /// The files that have mistakes on display.
    marked: BTreeSet<String>,
    shut_down: bool,
}

/// Serves until the editor ends.
pub(super) fn run(common: &Common) -> Result<Exit, OpsError> {
    let mut server = Server {
        out: terminal::protocol(),
        root: common.project.clone(),
        open: BTreeMap::new(),
        inspected: None,
        marked: BTreeSet::new(),
        shut_down: false,
    };
    let mut input = BufReader::new(io::stdin().lock());
    while let Some(message) = protocol::read(&mut input)? {
        let method = message["method"].as_str().unwrap_or_default();
        if method == "exit" {
            break;
        }
        server.take(method, &message)?;
    }
    Ok(if server.shut_down { Exit::Done } else { Exit::Failed })
}

impl<W: Write> Server<W> {
    fn take(&mut self, method: &str, message: &Value) -> io::Result<()> {
        let parameters = &message["params"];
        if let Some(id) = message.get("id") {
            return match self.request(method, parameters) {
                Some(result) => protocol::answer(&mut self.out, id, &result),
                None => protocol::refuse(&mut self.out, id, method),
            };
        }
        let document = &parameters["textDocument"];
        match method {
            "textDocument/didOpen" => self.changed(document, document["text"].as_str()),
            // the whole text comes with each change
            "textDocument/didChange" => {
                let last = parameters["contentChanges"].as_array().and_then(|changes| changes.last());
                self.changed(document, last.and_then(|change| change["text"].as_str()))
            }
            "textDocument/didClose" => self.closed(document),
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.publish(),
            _ => Ok(()),
        }
    }

    /// The answer to a request; none when the method is not known.
    fn request(&mut self, method: &str, parameters: &Value) -> Option<Value> {
        match method {
            "initialize" => Some(self.initialize(parameters)),
            "shutdown" => {
                self.shut_down = true;
                Some(Value::Null)
            }
            "textDocument/hover" => Some(self.hover(parameters).unwrap_or(Value::Null)),
            "textDocument/definition" => Some(self.declaration(parameters).unwrap_or(Value::Null)),
            "textDocument/completion" => Some(self.proposals(parameters).unwrap_or(Value::Null)),
            "textDocument/formatting" => Some(self.formatted(parameters).unwrap_or(Value::Null)),
            _ => None,
        }
    }

    fn initialize(&mut self, parameters: &Value) -> Value {
        let folders = parameters["workspaceFolders"].as_array().into_iter().flatten().map(|folder| &folder["uri"]);
        let uris = folders.chain([&parameters["rootUri"]]).filter_map(Value::as_str);
        let found = uris.filter_map(text::path).find_map(|path| ops::find_project(&path).ok());
        self.root = self.root.take().or(found);
        json!({
            "capabilities": {
                "textDocumentSync": { "openClose": true, "change": 1, "save": true },
                "hoverProvider": true,
                "definitionProvider": true,
                "completionProvider": {},
                "documentFormattingProvider": true,
            },
            "serverInfo": { "name": "orchestrate", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    /// The name of a document relative to the project, which the first document may tell.
    fn name(&mut self, document: &Value) -> Option<String> {
        let path = text::path(document["uri"].as_str()?)?;
        if self.root.is_none() {
            self.root = ops::find_project(path.parent()?).ok();
        }
        path.strip_prefix(self.root.as_ref()?).ok().map(Utf8Path::to_string)
    }

    fn changed(&mut self, document: &Value, text: Option<&str>) -> io::Result<()> {
        let (Some(name), Some(text)) = (self.name(document), text) else { return Ok(()) };
        self.open.insert(name, text.to_owned());
        self.publish()
    }

    fn closed(&mut self, document: &Value) -> io::Result<()> {
        if let Some(name) = self.name(document) {
            self.open.remove(&name);
        }
        self.publish()
    }

    /// Reads the project anew and tells of the mistakes in each file.
    fn publish(&mut self) -> io::Result<()> {
        let Some(root) = self.root.clone() else { return Ok(()) };
        // two of them at once would take twice the memory
        self.inspected = None;
        let inspected = recipe::inspect(&root, &self.open);
        let mut by_file: BTreeMap<String, Vec<Value>> =
            std::mem::take(&mut self.marked).into_iter().map(|name| (name, Vec::new())).collect();
        for mistake in &inspected.mistakes.list {
            let name = inspected.sources().file(mistake.place.file).name.clone();
            by_file.entry(name).or_default().push(diagnostic(&root, &inspected, mistake));
        }
        for (name, diagnostics) in by_file {
            if let Some(uri) = text::uri(&root, &name) {
                let parameters = json!({ "uri": uri, "diagnostics": diagnostics });
                protocol::tell(&mut self.out, "textDocument/publishDiagnostics", &parameters)?;
            }
            if !diagnostics.is_empty() {
                self.marked.insert(name);
            }
        }
        self.inspected = Some(inspected);
        Ok(())
    }

    /// The document and the offset in it that a request is about.
    fn cursor(&mut self, parameters: &Value) -> Option<(String, usize)> {
        let name = self.name(&parameters["textDocument"])?;
        let offset = text::offset(self.open.get(&name)?, &parameters["position"])?;
        Some((name, offset))
    }

    fn hover(&mut self, parameters: &Value) -> Option<Value> {
        let (name, offset) = self.cursor(parameters)?;
        let inspected = self.inspected.as_ref()?;
        let hover = inspected.hover(&name, offset)?;
        let range = text::range(inspected.sources(), hover.place);
        Some(json!({ "contents": { "kind": "markdown", "value": hover.text }, "range": range }))
    }

    fn declaration(&mut self, parameters: &Value) -> Option<Value> {
        let (name, offset) = self.cursor(parameters)?;
        let (inspected, root) = (self.inspected.as_ref()?, self.root.as_ref()?);
        let place: Place = inspected.declaration(&name, offset)?;
        text::location(root, inspected.sources(), place)
    }

    fn proposals(&mut self, parameters: &Value) -> Option<Value> {
        let (name, offset) = self.cursor(parameters)?;
        let proposals = self.inspected.as_ref()?.proposals(&name, offset).into_iter().map(|proposal| {
            let documentation = json!({ "kind": "markdown", "value": proposal.meaning });
            json!({ "label": proposal.name, "kind": 14, "detail": proposal.example, "documentation": documentation })
        });
        Some(proposals.collect())
    }

    /// One change of the whole text; none when it has mistakes, which are on display already.
    fn formatted(&mut self, parameters: &Value) -> Option<Value> {
        let name = self.name(&parameters["textDocument"])?;
        let before = self.open.get(&name)?;
        let after = recipe::format(&name, before).ok()?;
        Some(if after == *before { json!([]) } else { json!([{ "range": text::whole(before), "newText": after }]) })
    }
}

fn diagnostic(root: &Utf8Path, inspected: &Inspected, mistake: &Mistake) -> Value {
    let sources = inspected.sources();
    let severity = match mistake.severity {
        Severity::Error => 1,
        Severity::Warning => 2,
    };
    let related: Vec<Value> = mistake
        .others
        .iter()
        .filter_map(|(place, label)| {
            Some(json!({ "location": text::location(root, sources, *place)?, "message": printable_line(label) }))
        })
        .collect();
    json!({
        "range": text::range(sources, mistake.place),
        "severity": severity,
        "source": "orchestrate",
        "message": printable(&format!("{}\n{}", mistake.message, mistake.help)),
        "relatedInformation": related,
    })
}
