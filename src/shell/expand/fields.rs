//! Fields under construction, and how values are split into them (XCU 2.6.5).

/// A field: its characters, and whether each is quoted.
pub(super) type Field = Vec<(char, bool)>;

/// What a word has become so far.
pub(super) struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    /// Characters between which unquoted values are split; none where nothing is split.
    separators: Option<String>,
    /// Whether blanks have just ended a field, so that a separator after them ends no other.
    after_blanks: bool,
}

impl Fields {
    /// Fields that values are split into, at the characters of `IFS`.
    pub(super) fn new(separators: Option<&str>) -> Self {
        let separators = Some(separators.unwrap_or(" \t\n").to_owned());
        Self { done: Vec::new(), current: None, separators, after_blanks: false }
    }

    /// A single field.
    pub(super) fn whole() -> Self {
        Self { done: Vec::new(), current: Some(Field::new()), separators: None, after_blanks: false }
    }

    /// Whether values are split.
    pub(super) const fn splits(&self) -> bool {
        self.separators.is_some()
    }

    /// Adds text of the script.
    pub(super) fn text(&mut self, text: &str, quoted: bool) {
        self.after_blanks = false;
        self.current.get_or_insert_default().extend(text.chars().map(|letter| (letter, quoted)));
    }

    /// Adds a value; an unquoted one is split, and an empty one is no field of its own.
    pub(super) fn value(&mut self, value: &str, quoted: bool) {
        let Some(separators) = self.separators.clone().filter(|_| !quoted) else {
            if quoted || !value.is_empty() {
                self.text(value, quoted);
            }
            return;
        };
        for letter in value.chars() {
            if !separators.contains(letter) {
                self.text(letter.encode_utf8(&mut [0; 4]), false);
            } else if matches!(letter, ' ' | '\t' | '\n') {
                if let Some(field) = self.current.take() {
                    self.done.push(field);
                    self.after_blanks = true;
                }
            } else if !std::mem::take(&mut self.after_blanks) {
                self.done.push(self.current.take().unwrap_or_default());
            }
        }
    }

    /// Ends the field, as between the parameters of `$@`.
    pub(super) fn end(&mut self) {
        self.done.extend(self.current.take());
    }

    pub(super) fn done(mut self) -> Vec<Field> {
        self.end();
        self.done
    }
}
