//! How much one recipe may come to, for all its variants and platforms together.
//!
//! A recipe is read once for each of them, `${…}` puts whole texts in the place of a word, and definitions bring nodes:
//! a file of some kilobytes could ask for gigabytes. Every reading therefore draws on one budget, and is charged before
//! memory is taken.

use std::cell::{Cell, RefCell};

use crate::model::Place;

use super::Mistake;
use super::node::Weight;

/// Most bytes of text.
const MOST_TEXT: usize = 16 << 20;
/// Most nodes, arguments and properties.
const MOST_PARTS: usize = 300_000;
/// Most readings, one for each variant on each platform.
pub(super) const MOST_READINGS: usize = 1000;
/// Most mistakes: each reading may find its own.
const MOST_MISTAKES: usize = 4000;

/// What is left for a recipe.
pub(super) struct Budget {
    variants: usize,
    platforms: usize,
    text: Cell<usize>,
    parts: Cell<usize>,
    mistakes: Cell<usize>,
    spent: Cell<bool>,
    /// What was too much.
    refusal: RefCell<Option<Mistake>>,
}

impl Budget {
    /// The whole budget, for a recipe that is read for so many variants and platforms.
    pub(super) fn new(variants: usize, platforms: usize) -> Self {
        Self {
            variants,
            platforms,
            text: Cell::new(MOST_TEXT),
            parts: Cell::new(MOST_PARTS),
            mistakes: Cell::new(MOST_MISTAKES),
            spent: Cell::new(false),
            refusal: RefCell::new(None),
        }
    }

    /// For how many variants and platforms the recipe is read.
    pub(super) fn readings(&self) -> usize {
        self.variants.max(1) * self.platforms.max(1)
    }

    /// Whether something was too much: then nothing more is read.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.get()
    }

    /// The bytes of text that are left.
    pub(super) fn text_left(&self) -> usize {
        self.text.get()
    }

    /// What was too much; all that was found at the same time may only follow from it.
    pub(super) fn refusal(&self) -> Option<Mistake> {
        self.refusal.borrow().clone()
    }

    /// Charges for a text; when it is too long, that is the refusal.
    pub(super) fn charge_text(&self, bytes: usize, place: Place) -> bool {
        let message =
            || format!("the texts of this recipe come to more than {} MiB{}", MOST_TEXT >> 20, self.read_for());
        let help = "use long values less often, keep long texts in files beside the recipe, or split the recipe";
        self.draw(&self.text, bytes, || Mistake::new(place, message(), "here at the latest", help))
    }

    /// Charges for nodes and the texts in them; when they are too many, that is the refusal.
    pub(super) fn charge(&self, weight: Weight, place: Place) -> bool {
        let message = || {
            format!("this recipe comes to more than {MOST_PARTS} nodes, arguments and properties{}", self.read_for())
        };
        let help = "use fewer variants, platforms or definitions, or split the recipe";
        let parts = || Mistake::new(place, message(), "here at the latest", help);
        self.draw(&self.parts, weight.parts, parts) && self.charge_text(weight.text, place)
    }

    /// Charges for the mistakes that a reading found, which are not told when they are too many.
    pub(super) fn charge_mistakes(&self, count: usize) {
        let left = self.mistakes.get().checked_sub(count);
        self.mistakes.set(left.unwrap_or(0));
        self.spent.set(self.spent.get() || left.is_none());
    }

    fn draw(&self, from: &Cell<usize>, amount: usize, too_much: impl FnOnce() -> Mistake) -> bool {
        if self.spent.get() {
            return false;
        }
        let Some(left) = from.get().checked_sub(amount) else {
            self.spent.set(true);
            self.refusal.replace(Some(too_much()));
            return false;
        };
        from.set(left);
        true
    }

    fn read_for(&self) -> String {
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        match (self.variants, self.platforms) {
            (0 | 1, 0 | 1) => String::new(),
            (0 | 1, platforms) => format!(", read for {}", count(platforms, "platform")),
            (variants, platforms) => {
                format!(", read for {} on {}", count(variants, "variant"), count(platforms, "platform"))
            }
        }
    }
}
