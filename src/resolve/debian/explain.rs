//! Why there is no solution, in the words of a person who knows Debian: what the solver proved, told from its graph of
//! clauses, each thing once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use resolvo::conflict::{Conflict, ConflictCause, ConflictEdge, ConflictNode};
use resolvo::{Requirement as Required, Solver};

use super::provider::{Provider, id};
use super::roots::{Root, nearest};
use super::world::{Against, Id, World};
use super::{Reason, Request, Unsatisfiable};
use crate::distribution::debian::relation::{self, Relation};

/// Most lines of an explanation.
const MOST_LINES: usize = 12;

/// Longest chain of reasons that is told.
const LONGEST_CHAIN: usize = 6;

/// The graph in our words.
struct Story<'s, 'w, 'u> {
    world: &'w World<'u>,
    request: &'s Request,
    roots: &'s [Root],
    /// Who needs a version: nothing stands for the request itself.
    needed_by: HashMap<Id, Option<Id>>,
    /// Sentences, each with the versions of one package that it is true of.
    sentences: BTreeMap<(usize, String, String), BTreeSet<Id>>,
}

/// Tells a conflict.
pub(super) fn explain(
    solver: &Solver<Provider<'_, '_>>,
    conflict: &Conflict,
    request: &Request,
    roots: &[Root],
) -> Unsatisfiable {
    let world = solver.provider().world;
    let mut story = Story { world, request, roots, needed_by: HashMap::new(), sentences: BTreeMap::new() };
    story.read(solver, conflict);
    let mut explanation: Vec<String> =
        story.sentences.iter().map(|((_, _, text), ids)| story.sentence(text, ids)).collect();
    if explanation.len() > MOST_LINES {
        let more = explanation.len() - MOST_LINES;
        explanation.truncate(MOST_LINES);
        explanation.push(format!("and {more} more reasons of this kind"));
    }
    Unsatisfiable { explanation, places: story.places(), help: Some(story.help()) }
}

impl Story<'_, '_, '_> {
    fn read(&mut self, solver: &Solver<Provider<'_, '_>>, conflict: &Conflict) {
        let found = conflict.graph(solver);
        let graph = &found.graph;
        let solvable = |node| match graph.node_weight(node) {
            Some(ConflictNode::Solvable(solvable)) => Some(id(*solvable)),
            _ => None,
        };
        let mut queue = VecDeque::from([found.root_node]);
        let mut order = vec![];
        let mut seen = BTreeSet::from([found.root_node]);
        while let Some(node) = queue.pop_front() {
            order.push(node);
            let mut edges: Vec<_> = graph
                .edge_indices()
                .filter_map(|edge| {
                    let (from, to) = graph.edge_endpoints(edge)?;
                    (from == node && matches!(graph.edge_weight(edge), Some(ConflictEdge::Requires(_)))).then_some(to)
                })
                .collect();
            edges.sort_unstable();
            for next in edges {
                if seen.insert(next) {
                    if let Some(child) = solvable(next) {
                        self.needed_by.insert(child, solvable(node));
                    }
                    queue.push_back(next);
                }
            }
        }
        for edge in graph.edge_indices() {
            let (Some((from, to)), Some(weight)) = (graph.edge_endpoints(edge), graph.edge_weight(edge)) else {
                continue;
            };
            let rank = order.iter().position(|&node| node == from).unwrap_or(usize::MAX);
            match (weight, solvable(from), graph.node_weight(to)) {
                (ConflictEdge::Requires(required), Some(id), Some(ConflictNode::UnresolvedDependency)) => {
                    self.unresolved(rank, solver.provider(), id, *required);
                }
                (ConflictEdge::Conflict(ConflictCause::Constrains(_)), Some(a), Some(ConflictNode::Solvable(b))) => {
                    self.excluded(rank, a, id(*b));
                }
                (
                    ConflictEdge::Conflict(ConflictCause::ForbidMultipleInstances),
                    Some(a),
                    Some(ConflictNode::Solvable(b)),
                ) => {
                    self.two_versions(rank, a, id(*b));
                }
                (ConflictEdge::Conflict(ConflictCause::Excluded), Some(id), _) => {
                    let error = self.world.expand(id).broken.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.say(rank, id, format!("cannot be used: {error}"));
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, rank: usize, id: Id, text: String) {
        self.sentences.entry((rank, self.world.show_name(id), text)).or_default().insert(id);
    }

    fn sentence(&self, text: &str, ids: &BTreeSet<Id>) -> String {
        let Some(&first) = ids.first() else { return text.to_owned() };
        let versions: BTreeSet<&str> = ids.iter().map(|&id| self.world.version(id)).collect();
        let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
        format!("{} ({versions}), {}, {text}", self.world.show_name(first), self.because(first))
    }

    /// `which curl needs, which was asked for`.
    fn because(&self, id: Id) -> String {
        let mut chain = Vec::new();
        let mut next = id;
        while let Some(&Some(parent)) = self.needed_by.get(&next) {
            if chain.len() == LONGEST_CHAIN || chain.contains(&parent) {
                chain.push(parent);
                return format!("{}, and so on", self.needs(&chain));
            }
            chain.push(parent);
            next = parent;
        }
        let root = self.roots.iter().find(|root| root.ids().any(|asked| asked == next));
        let end = match root.map(|root| &root.reason) {
            _ if self.world.is_installed(next) => "which is installed",
            Some(Reason::Essential) => "which is essential",
            _ => "which was asked for",
        };
        if chain.is_empty() { end.to_owned() } else { format!("{}, {end}", self.needs(&chain)) }
    }

    fn needs(&self, chain: &[Id]) -> String {
        let links: Vec<String> = chain.iter().map(|&id| format!("which {} needs", self.world.show_name(id))).collect();
        links.join(", ")
    }

    fn unresolved(&mut self, rank: usize, provider: &Provider<'_, '_>, id: Id, required: Required) {
        let world = self.world;
        let expanded = world.expand(id);
        let asked =
            |requirement: &&super::world::Requirement| provider.requirement(&requirement.sets).requirement == required;
        for requirement in expanded.requirements.iter().filter(|requirement| requirement.sets.is_empty()).filter(asked)
        {
            let text = world.requirement_text(id, requirement);
            let own = world.architecture_name_of(world.key(id).architecture);
            let groups = relation::parse(&text).unwrap_or_default();
            let reasons: Vec<String> = groups.iter().flatten().map(|relation| self.missing(relation, own)).collect();
            self.say(rank, id, format!("needs `{text}`, but {}", reasons.join("; ")));
        }
    }

    /// Why nothing satisfies an alternative.
    fn missing(&self, relation: &Relation<'_>, architecture: &str) -> String {
        let world = self.world;
        let name = relation.name;
        if let Some(installed) = world.installed().find(|&id| world.name(id) == name) {
            return format!("{} is installed and stays", world.show(installed));
        }
        let all = world.every_version(name);
        let fits = |id: Id| world.is_for_all(id) || world.architecture_name(id) == architecture;
        let here: Vec<String> = all.iter().copied().filter(|&id| fits(id)).map(|id| world.show_origin(id)).collect();
        match (here.is_empty(), all.is_empty()) {
            (false, _) => format!("`{name}` is available in {} only", here.join(", ")),
            (true, false) => format!("there is no `{name}` for {architecture}"),
            (true, true) if !world.universe.providers(name).is_empty() => {
                format!("no package that provides `{name}` fits")
            }
            (true, true) => match nearest(world, name)[..] {
                [] => format!("there is no package `{name}`"),
                ref near => format!("there is no package `{name}` (nearest: {})", near.join(", ")),
            },
        }
    }

    fn excluded(&mut self, rank: usize, a: Id, b: Id) {
        let world = self.world;
        let expanded = world.expand(a);
        let Some(exclusion) = expanded.exclusions.iter().find(|exclusion| exclusion.set.ids.contains(&b)) else {
            return;
        };
        let (other, because) = (world.show(b), self.because(b));
        let text = match exclusion.against {
            Against::OtherArchitecture if world.version(a) == world.version(b) => {
                format!(
                    "cannot be installed together with {other} ({because}): the package is not co-installable with itself (no Multi-Arch: same)"
                )
            }
            Against::OtherArchitecture => {
                format!(
                    "cannot be installed together with {other} ({because}): both architectures must have the same version"
                )
            }
            Against::Conflicts | Against::Breaks => {
                let verb = if exclusion.against == Against::Breaks { "breaks" } else { "conflicts with" };
                let relation = world.exclusion_text(a, exclusion);
                let provided = world.name(b) != relation.split([' ', ':']).next().unwrap_or_default();
                let is = if provided { format!(", which {other} provides") } else { format!(", and that is {other}") };
                format!("{verb} `{relation}`{is} ({because})")
            }
        };
        self.say(rank, a, text);
    }

    fn two_versions(&mut self, rank: usize, a: Id, b: Id) {
        let (first, second) = (a.min(b), a.max(b));
        let text =
            format!("cannot be there twice: {} ({}) is wanted, too", self.world.version(second), self.because(second));
        self.say(rank, first, text);
    }

    /// What was asked for and takes part in the conflict.
    fn places(&self) -> Vec<(crate::model::Place, String)> {
        let involved = |root: &&Root| root.ids().any(|id| self.needed_by.get(&id) == Some(&None));
        let place = |root: &Root| match root.reason {
            Reason::Wanted(position) => {
                let wanted = &self.request.wanted[position];
                wanted.place.map(|place| (place, format!("`{}` is asked for here", wanted.name)))
            }
            _ => None,
        };
        self.roots.iter().filter(involved).filter_map(place).collect()
    }

    fn help(&self) -> String {
        let installed = self.sentences.values().flatten().any(|&id| self.world.is_installed(id))
            || self.sentences.keys().any(|(_, _, text)| text.contains("is installed"));
        let constrained = self.request.wanted.iter().any(|wanted| wanted.constraint.is_some());
        if installed {
            "packages of the image that this one is built on stay as they are: refresh that image as well, or ask for versions that fit to it"
        } else if constrained {
            "loosen a version constraint, or leave one of the packages out"
        } else {
            "leave one of the packages out, or put them into images of their own"
        }
        .to_owned()
    }
}
