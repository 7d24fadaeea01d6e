//! What can be typed.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::{ByteSize, ImageName, Platform, RecipeName};
use crate::ops::{Output, ShowName};

/// Pinned recipes in, reproducible multi-architecture OCI images out: no daemon, no root, no emulation.
#[derive(Debug, Parser)]
#[command(name = "orchestrate", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Common {
    /// Folder with `images/` and `lock/`; the nearest one upwards when not given
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) project: Option<Utf8PathBuf>,
    /// Mirrors, proxies, credentials, cache of this place (see docs/environment.md)
    #[arg(long, global = true, value_name = "FILE", env = "ORCHESTRATE_ENVIRONMENT", hide_env_values = true)]
    pub(super) environment: Option<Utf8PathBuf>,
    /// Folder of the store
    #[arg(long, global = true, value_name = "DIR", env = "ORCHESTRATE_STORE", hide_env_values = true)]
    pub(super) store: Option<Utf8PathBuf>,
    /// Steps and threads at once; the number of cores when not given
    #[arg(long, short, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// When to use colours: `auto`, `always` or `never`
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(super) color: When,
    /// Print nothing but data and errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

/// When to do a thing that depends on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build images from recipes and lock, and write them out
    Build(Build),
    /// Bring all that a build needs from the network into the store, for `build --offline` afterwards
    Fetch(Fetch),
    /// Show which steps would run, and why
    Plan(Plan),
    /// Pin every input anew and show what moved
    Refresh(Refresh),
    /// Verify everything that can be known without a network: recipes, lock, scripts, policy
    Check(Check),
    /// Show who vouches for what the packages of images do when they are installed
    Audit(Audit),
    /// Name the packages that have a file: a path, a program or a shared library
    Find(Find),
    /// Show recipes as they are with all that definitions bring, every value with where it came from
    Show(Show),
    /// Put recipes into their one layout, comments and all
    Fmt(Fmt),
    /// Serve editors: mistakes, meanings, declarations, completions and layout, on standard input and output
    Lsp,
    /// List images with their platforms, bases and recipes
    List(List),
    /// Create a recipe to start from, and a project where there is none
    New(New),
    /// Translate a Dockerfile, an apko or a melange file into a recipe
    Import(Import),
    /// Look at the store, verify it, clean it
    #[command(subcommand)]
    Cache(Cache),
    /// Print a completion script, which knows the project's images, recipes and platforms
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a description of the recipe language as JSON, for editors and other programs
    Schema,
    /// Write manual pages into a folder, or print that of the program
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: Option<Utf8PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Chosen {
    /// Images; all that are not retired when none is named
    #[arg(value_name = "IMAGE")]
    pub(super) images: Vec<ImageName>,
    /// Platforms, separated by commas; those of each recipe when not given
    #[arg(long, short, value_delimiter = ',', value_name = "PLATFORM")]
    pub(super) platform: Vec<Platform>,
}

#[derive(Debug, Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    /// Where to write: `oci:DIR`, `docker-archive:FILE` or `rootfs:FILE`; several are possible [default: oci:dist]
    #[arg(long, short, value_name = "OUTPUT")]
    pub(super) output: Vec<Output>,
    /// Use no network: inputs that are not in the store are an error that lists them all
    #[arg(long)]
    pub(super) offline: bool,
    /// Run no vendor steps: those whose output was not made in this store before are an error that lists them
    #[arg(long)]
    pub(super) no_vendor: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
    /// When a step fails, open a shell in its sandbox
    #[arg(long)]
    pub(super) debug_shell: bool,
}

#[derive(Debug, Args)]
pub(super) struct Fetch {
    #[command(flatten)]
    pub(super) chosen: Chosen,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    /// Show the steps that are done as well
    #[arg(long)]
    pub(super) all: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Refresh {
    /// Recipes, or images of recipes; all when none is named
    #[arg(value_name = "RECIPE")]
    pub(super) recipes: Vec<RecipeName>,
    /// Change nothing; exit with 3 when something would move
    #[arg(long)]
    pub(super) check: bool,
    /// Only these kinds of inputs: `git`, `download`, `packages`, `vendor`, `bases`
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    pub(super) only: Vec<crate::ops::InputKind>,
    /// Accept an archive whose release is older than the one that `lock/archives.kdl` records
    #[arg(long)]
    pub(super) allow_older: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print the findings as SARIF 2.1.0, which code hosts show on the lines that they are about
    #[arg(long, conflicts_with = "json")]
    pub(super) sarif: bool,
    /// Fail on warnings too
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    /// List maintainer scripts; exit with 1 when nobody vouches for one that an image needs
    #[arg(long, required = true)]
    pub(super) scripts: bool,
    /// Use no network: packages that are not in the store are an error that lists them all
    #[arg(long)]
    pub(super) offline: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Find {
    /// Paths, names of programs, or names of shared libraries like `libpcap.so.1`
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<String>,
    /// What the packages are for; this machine's platform when not given
    #[arg(long, short, value_name = "PLATFORM")]
    pub(super) platform: Option<Platform>,
    /// Use no network: lists that are not in the store are an error
    #[arg(long)]
    pub(super) offline: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Recipes, images, or RECIPE:IMAGE; all recipes when none is named
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<ShowName>,
    /// What holds on this platform alone
    #[arg(long, short, value_name = "PLATFORM")]
    pub(super) platform: Option<Platform>,
    /// Leave out where values came from
    #[arg(long)]
    pub(super) plain: bool,
    /// Print JSON instead of KDL
    #[arg(long, conflicts_with = "plain")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Fmt {
    /// Files, or `-` for standard input to standard output; all of the project when none is named
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<Utf8PathBuf>,
    /// Change nothing; exit with 3 when something would change
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Print names alone, a line each, of all that can be read: `images`, `recipes` or `platforms`
    #[arg(long, value_name = "KIND", conflicts_with = "json", hide_possible_values = true)]
    pub(super) names: Option<Names>,
}

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Names {
    /// Images
    Images,
    /// Recipes, each variant for itself
    Recipes,
    /// Platforms that something is built for
    Platforms,
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// What the recipe and its image are called
    #[arg(value_name = "NAME")]
    pub(super) name: RecipeName,
    /// What it is made from: `go`, `rust`, `c` or `packages`
    #[arg(long, value_name = "WHAT", default_value = "packages", hide_possible_values = true)]
    pub(super) from: StartFrom,
}

/// What a new recipe is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StartFrom {
    /// A Go program
    Go,
    /// A Rust program
    Rust,
    /// A C program
    C,
    /// Packages of the distribution
    Packages,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    pub(super) file: Utf8PathBuf,
    /// What it is written in: `dockerfile`, `apko` or `melange`; guessed from its name and text when not given
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    pub(super) kind: Option<FileKind>,
    /// What the recipe and its image are called; named after the file when not given
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<RecipeName>,
    /// Write the recipe to `images/NAME/recipe.kdl` instead of printing it
    #[arg(long)]
    pub(super) write: bool,
    /// Print recipe and findings as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FileKind {
    /// A Dockerfile or Containerfile
    Dockerfile,
    /// What apko makes an image of
    Apko,
    /// What melange makes packages of
    Melange,
}

/// The store.
#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// Count what is in it
    Status {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Hash everything in it again; exit with 1 when something is wrong
    Verify {
        /// Remove what is wrong, so that it is made or fetched again
        #[arg(long)]
        repair: bool,
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Remove what was not used for longest
    Clean {
        /// Remove until no more than this is left, e.g. `20GiB`
        #[arg(long, value_name = "SIZE")]
        keep_size: Option<ByteSize>,
        /// Remove what was not used for so many days
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u32>,
    },
}
