//! Findings as SARIF 2.1.0 (OASIS), which code hosts show on the lines that they are about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CheckFinding, CheckReport};
use crate::diagnostic::Severity;
use crate::model::{Place, SourceMap};

impl CheckReport {
    /// The report as SARIF.
    #[must_use]
    pub fn sarif(&self) -> Value {
        let rules: BTreeSet<&str> = self.findings.iter().map(|finding| finding.rule.as_str()).collect();
        let rules: Vec<Value> = rules.into_iter().map(|rule| json!({ "id": rule })).collect();
        let results: Vec<Value> = self.findings.iter().map(|finding| result(finding, &self.sources)).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "orchestrate", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        })
    }

    /// The report as JSON: counts, and each finding with its place.
    #[must_use]
    pub fn json(&self) -> Value {
        let findings: Vec<Value> = self.findings.iter().map(|finding| plain(finding, &self.sources)).collect();
        json!({ "recipes": self.recipes, "images": self.images, "steps": self.steps, "findings": findings })
    }
}

fn level(finding: &CheckFinding) -> &'static str {
    match finding.mistake.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn plain(finding: &CheckFinding, sources: &SourceMap) -> Value {
    let mistake = &finding.mistake;
    let (file, region) = (sources.file(mistake.place.file).name.as_str(), region(mistake.place, sources));
    let others: Vec<Value> = mistake
        .others
        .iter()
        .map(|(place, label)| {
            json!({ "file": sources.file(place.file).name, "line": sources.position(*place).1, "message": label })
        })
        .collect();
    json!({
        "rule": finding.rule,
        "severity": level(finding),
        "message": mistake.message,
        "help": mistake.help,
        "file": file,
        "line": region["startLine"],
        "column": region["startColumn"],
        "others": others,
    })
}

fn result(finding: &CheckFinding, sources: &SourceMap) -> Value {
    let mistake = &finding.mistake;
    let related: Vec<Value> = mistake
        .others
        .iter()
        .enumerate()
        .map(|(index, (place, label))| {
            let mut location = location(*place, sources);
            location["id"] = json!(index + 1);
            location["message"] = json!({ "text": label });
            location
        })
        .collect();
    json!({
        "ruleId": finding.rule,
        "level": level(finding),
        "message": { "text": format!("{}\n{}", mistake.message, mistake.help) },
        "locations": [location(mistake.place, sources)],
        "relatedLocations": related,
    })
}

fn location(place: Place, sources: &SourceMap) -> Value {
    let uri = &sources.file(place.file).name;
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri }, "region": region(place, sources) } })
}

/// Lines and columns, counted from one, columns in characters; the end is the first character after it.
fn region(place: Place, sources: &SourceMap) -> Value {
    let text = &sources.file(place.file).text;
    let at = |offset: u32| {
        let before = text.get(..offset as usize).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    };
    let ((start_line, start_column), (end_line, end_column)) = (at(place.offset), at(place.offset + place.length));
    json!({ "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column })
}
