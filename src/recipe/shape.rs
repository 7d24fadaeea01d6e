//! What a node is by itself: its name, how it is written, how it is told apart from others of its name, and what may
//! stand in its block. The tables of the decoder are made of it; unification, `show`, suggestions, the reference and the
//! description for editors read it, so that all of them know the same language.

/// What a recipe is called as a block: it may have any number of nodes.
pub(super) const RECIPE_BLOCK: &str = "a recipe";

/// What is known of nodes that a block does not know.
pub(super) struct Vocabulary {
    /// Help for a node that is known, though not where it stands.
    pub(super) elsewhere: fn(&str) -> Option<String>,
    /// Whether a node of this name is understood before all others, where it may stand.
    pub(super) comes_before_meaning: fn(&str) -> bool,
    /// Whether an image may have a node of this name.
    pub(super) is_of_image: fn(&str) -> bool,
}

/// A node that may stand in a block.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// How it is written; shown when it is written otherwise.
    pub(super) example: &'static str,
    /// Other ways to write it, which take other values, each with what it means then.
    pub(super) also: &'static [(&'static str, &'static str)],
    /// What it means, in a sentence of Markdown.
    pub(super) meaning: &'static str,
    /// What holds when it is not written, in Markdown; empty where that is nothing.
    pub(super) otherwise: &'static str,
    /// Whether it must be in its block.
    pub(super) required: bool,
    pub(super) times: Times,
    pub(super) identity: Identity,
    /// What may stand in its block.
    pub(super) block: Option<&'static dyn Block>,
}

/// How often a node may stand in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Any,
}

/// When two nodes of one name say something of the same thing, and so have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Always: `user`.
    Single,
    /// When their first arguments and these properties are equal: `env NAME`, `copy PATH from=`. A property comes with
    /// what it is when it is not written.
    Keyed { properties: &'static [(&'static str, &'static str)] },
    /// Each argument is a member of a set of its own: `packages "a" "b"`.
    Set,
    /// When they are equal: then they are one.
    Whole,
    /// All nodes of the name in a block are one list: `run`.
    Sequence,
}

/// The nodes that may stand in a block, whatever they are read into.
pub(super) trait Block: Sync {
    /// What the block is, as in "unknown node in …".
    fn what(&self) -> &'static str;

    /// Its nodes.
    fn shapes(&self) -> Vec<&'static Shape>;

    /// The node of this name.
    fn shape(&self, name: &str) -> Option<&'static Shape>;
}

impl Shape {
    /// A node that may stand in its block once.
    pub(super) const fn once(name: &'static str, example: &'static str) -> Self {
        Self::new(name, example, Times::Once, Identity::Single)
    }

    /// A node that may stand in its block any number of times, and that is the same as another when all of it is.
    pub(super) const fn any(name: &'static str, example: &'static str) -> Self {
        Self::new(name, example, Times::Any, Identity::Whole)
    }

    const fn new(name: &'static str, example: &'static str, times: Times, identity: Identity) -> Self {
        Self { name, example, also: &[], meaning: "", otherwise: "", required: false, times, identity, block: None }
    }

    /// The same, told apart by its first argument.
    pub(super) const fn keyed(self) -> Self {
        self.keyed_with(&[])
    }

    /// The same, told apart by its first argument and these properties, each with what it is when it is not written.
    pub(super) const fn keyed_with(mut self, properties: &'static [(&'static str, &'static str)]) -> Self {
        self.identity = Identity::Keyed { properties };
        self
    }

    /// The same, its arguments members of a set.
    pub(super) const fn set(mut self) -> Self {
        self.identity = Identity::Set;
        self
    }

    /// The same, written otherwise as well: an example of each way, with its meaning.
    pub(super) const fn also(mut self, ways: &'static [(&'static str, &'static str)]) -> Self {
        self.also = ways;
        self
    }

    /// The same, one with all others of its name, though it may be written more than once.
    pub(super) const fn single(mut self) -> Self {
        self.identity = Identity::Single;
        self
    }

    /// The same, all nodes of its name one list.
    pub(super) const fn sequence(mut self) -> Self {
        self.identity = Identity::Sequence;
        self
    }

    /// The same with a block.
    pub(super) const fn block(mut self, block: &'static dyn Block) -> Self {
        self.block = Some(block);
        self
    }

    /// The same with its meaning, in a sentence or two of Markdown.
    pub(super) const fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// The same, with what holds when it is not written.
    pub(super) const fn otherwise(mut self, otherwise: &'static str) -> Self {
        self.otherwise = otherwise;
        self
    }

    /// The same, which must be in its block.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Each way to write it: an example, and what it means.
    pub(super) fn ways(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        std::iter::once((self.example, self.meaning)).chain(self.also.iter().copied())
    }
}
