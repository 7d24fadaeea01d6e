//! The language server, asked as an editor asks it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::project::Project;

/// An editor's side of a server.
struct Editor {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next: u64,
    /// What was told without being asked, by file.
    told: Vec<Value>,
}

impl Editor {
    fn new(project: &Project) -> Self {
        let mut command = project.command(&["lsp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut editor = Self { child, to, from: BufReader::new(from), next: 1, told: Vec::new() };
        let said = editor.ask("initialize", &json!({ "rootUri": uri(project, "") }));
        assert_eq!(said["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it listens");
        self.to.flush().expect("it listens");
    }

    fn tell(&mut self, method: &str, parameters: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": parameters }));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).expect("it speaks") > 0, "it has closed");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", number)) => length = number.parse().expect("a number"),
                _ => break,
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).expect("a whole message");
        serde_json::from_slice(&body).expect("JSON")
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
            self.told.push(message);
        }
    }

    /// The messages of the diagnostics that a file has now.
    fn diagnostics(&mut self, uri: &str) -> Vec<String> {
        // an answer comes after all that was told before it
        self.ask(
            "textDocument/completion",
            &json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } }),
        );
        let last = self.told.iter().rev().find(|message| message["params"]["uri"] == uri);
        let list = last.and_then(|message| message["params"]["diagnostics"].as_array().cloned()).unwrap_or_default();
        list.iter().map(|one| one["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn end(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert!(self.child.wait().expect("ends").success());
    }
}

fn uri(project: &Project, name: &str) -> String {
    format!("file://{}", project.path(name).display())
}

const RECIPE: &str = r#"define "service" { param "port" type="port"; expose "${port}" }
image "app" from="scratch" {
    user "1"
    is "service" port=80
}
"#;

fn at(uri: &str, line: usize, character: usize) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

#[test]
fn an_editor_is_told_of_mistakes_meanings_and_places() {
    let project = Project::new(None, &[("app", RECIPE)]);
    let mut editor = Editor::new(&project);
    let file = uri(&project, "images/app/recipe.kdl");
    let open = |text: &str| json!({ "textDocument": { "uri": file, "languageId": "kdl", "version": 1, "text": text } });
    editor.tell("textDocument/didOpen", &open(RECIPE));
    assert_eq!(editor.diagnostics(&file), [""; 0]);

    let hover = editor.ask("textDocument/hover", &at(&file, 3, 10));
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.contains("definition `service`")), "{hover}");
    let place = editor.ask("textDocument/definition", &at(&file, 3, 10));
    assert_eq!((place["uri"].as_str(), place["range"]["start"]["line"].as_u64()), (Some(file.as_str()), Some(0)));
    let proposals = editor.ask("textDocument/completion", &at(&file, 2, 4));
    assert!(proposals.as_array().is_some_and(|all| all.iter().any(|one| one["label"] == "entrypoint")), "{proposals}");

    let change =
        |text: &str| json!({ "textDocument": { "uri": file, "version": 2 }, "contentChanges": [{ "text": text }] });
    editor.tell("textDocument/didChange", &change(&RECIPE.replace("port=80", "port=80000")));
    let told = editor.diagnostics(&file);
    assert!(told.len() == 1 && told[0].contains("a port, 1 to 65535"), "{told:?}");
    editor.tell("textDocument/didChange", &change(&RECIPE.replace("    user", "  user")));
    assert_eq!(editor.diagnostics(&file), [""; 0]);
    let edits = editor.ask("textDocument/formatting", &json!({ "textDocument": { "uri": file }, "options": {} }));
    assert_eq!(edits[0]["newText"], RECIPE);
    editor.end();
}

#[test]
fn what_is_not_known_is_refused_and_nothing_ends() {
    let project = Project::new(None, &[("app", RECIPE)]);
    let mut editor = Editor::new(&project);
    editor.send(&json!({ "jsonrpc": "2.0", "id": "x", "method": "textDocument/rename", "params": {} }));
    let said = editor.receive();
    assert_eq!((said["id"].as_str(), said["error"]["code"].as_i64()), (Some("x"), Some(-32601)));
    editor.tell("$/unknown", &json!({}));
    editor.tell("textDocument/didOpen", &json!({ "textDocument": { "uri": "untitled:1", "text": "x" } }));
    assert_eq!(editor.ask("textDocument/hover", &at("file:///nowhere/at/all.kdl", 0, 0)), Value::Null);
    assert_eq!(editor.ask("textDocument/hover", &json!({})), Value::Null);
    editor.end();
}
