//! Why there is no solution, in the words of a person who knows Debian: what the solver proved, read off its graph of
//! clauses, each thing once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use resolvo::conflict::{Conflict, ConflictCause, ConflictEdge, ConflictGraph, ConflictNode};
use resolvo::{Requirement as Required, Solver};

use super::expand::{Against, Exclusion, Requirement};
use super::provider::{Provider, id};
use super::roots::{Root, nearest};
use super::world::{Id, World};
use super::{ChoiceReason, Request, Unsatisfiable};
use crate::distribution::debian::relation::{self, Relation};

/// Most lines of an explanation.
const MOST_LINES: usize = 12;

/// Longest chain of reasons that is shown.
const LONGEST_CHAIN: usize = 6;

/// The graph in our words.
struct Story<'s, 'w, 'u> {
    world: &'w World<'u>,
    request: &'s Request,
    roots: &'s [Root],
    /// Who needs a version: nothing stands for the request itself.
    needed_by: HashMap<Id, Option<Id>>,
    /// What is wrong with packages: name and text, with how far from the request it is and the versions it is true of.
    sentences: BTreeMap<(String, String), (usize, BTreeSet<Id>)>,
    /// Pairs of packages that exclude each other: nearest to the request, then newest versions first.
    pairs: BTreeMap<(String, String), (usize, Id, Id)>,
}

/// Tells a conflict.
pub(super) fn explain(
    solver: &Solver<Provider<'_, '_>>,
    conflict: &Conflict,
    request: &Request,
    roots: &[Root],
) -> Unsatisfiable {
    let world = solver.provider().world;
    let mut story =
        Story { world, request, roots, needed_by: HashMap::new(), sentences: BTreeMap::new(), pairs: BTreeMap::new() };
    story.read(solver, conflict);
    story.tell_pairs();
    let mut shown: Vec<_> = story.sentences.iter().collect();
    shown.sort_by_key(|(_, (rank, _))| *rank);
    let mut explanation: Vec<String> =
        shown.into_iter().map(|((_, text), (_, ids))| story.sentence(text, ids)).collect();
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
        let ranks = self.walk(&found);
        let graph = &found.graph;
        for edge in graph.edge_indices() {
            let (Some((from, to)), Some(weight)) = (graph.edge_endpoints(edge), graph.edge_weight(edge)) else {
                continue;
            };
            let rank = ranks.get(&from.index()).copied().unwrap_or(usize::MAX);
            let Some(&ConflictNode::Solvable(solvable)) = graph.node_weight(from) else { continue };
            let from = id(solvable);
            match (weight, graph.node_weight(to)) {
                (ConflictEdge::Requires(required), Some(ConflictNode::UnresolvedDependency)) => {
                    self.unresolved(rank, solver.provider(), from, *required);
                }
                (ConflictEdge::Conflict(ConflictCause::Constrains(_)), Some(ConflictNode::Solvable(to))) => {
                    self.excluded(rank, from, id(*to));
                }
                (ConflictEdge::Conflict(ConflictCause::ForbidMultipleInstances), Some(ConflictNode::Solvable(to))) => {
                    self.two_versions(rank, from, id(*to));
                }
                (ConflictEdge::Conflict(ConflictCause::Excluded), _) => {
                    let error = self.world.expand(from).broken.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.say(rank, from, format!("cannot be used: {error}"));
                }
                _ => {}
            }
        }
    }

    /// Goes from the request along what is needed, nearest first: notes who needs whom, and gives each node its rank.
    fn walk(&mut self, found: &ConflictGraph) -> HashMap<usize, usize> {
        let graph = &found.graph;
        let solvable = |node| match graph.node_weight(node) {
            Some(&ConflictNode::Solvable(solvable)) => Some(id(solvable)),
            _ => None,
        };
        let needs =
            graph.edge_indices().filter(|&edge| matches!(graph.edge_weight(edge), Some(ConflictEdge::Requires(_))));
        let mut needs: Vec<_> = needs.filter_map(|edge| graph.edge_endpoints(edge)).collect();
        needs.sort_unstable();
        let mut ranks = HashMap::from([(found.root_node.index(), 0)]);
        let mut queue = VecDeque::from([found.root_node]);
        while let Some(node) = queue.pop_front() {
            for &(_, next) in needs.iter().filter(|(from, _)| *from == node) {
                let rank = ranks.len();
                ranks.entry(next.index()).or_insert_with(|| {
                    if let Some(child) = solvable(next) {
                        self.needed_by.insert(child, solvable(node));
                    }
                    queue.push_back(next);
                    rank
                });
            }
        }
        ranks
    }

    fn say(&mut self, rank: usize, id: Id, text: String) {
        let (nearest, ids) = self.sentences.entry((self.world.show_name(id), text)).or_insert((rank, BTreeSet::new()));
        *nearest = rank.min(*nearest);
        ids.insert(id);
    }

    fn sentence(&self, text: &str, ids: &BTreeSet<Id>) -> String {
        let Some(&first) = ids.first() else { return text.to_owned() };
        // numbered newest first
        let versions = ids.iter().map(|&id| self.world.version(id)).collect::<Vec<_>>().join(", ");
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
            Some(ChoiceReason::Essential) => "which is essential",
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
        let asked = |requirement: &&Requirement| provider.requirement(&requirement.sets).requirement == required;
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

    /// Of what one pair of packages has against each other, in whatever versions, one reason is shown.
    fn excluded(&mut self, rank: usize, a: Id, b: Id) {
        let (one, other) = (self.world.show_name(a), self.world.show_name(b));
        let pair = if one <= other { (one, other) } else { (other, one) };
        let found = (rank, a, b);
        self.pairs.entry(pair).and_modify(|known| *known = found.min(*known)).or_insert(found);
    }

    fn tell_pairs(&mut self) {
        for (rank, a, b) in std::mem::take(&mut self.pairs).into_values() {
            let expanded = self.world.expand(a);
            if let Some(exclusion) = expanded.exclusions.iter().find(|exclusion| exclusion.set.ids.contains(&b)) {
                self.say(rank, a, self.exclusion(a, b, exclusion));
            }
        }
    }

    fn exclusion(&self, a: Id, b: Id, exclusion: &Exclusion) -> String {
        let world = self.world;
        let other = format!("{}, {}", world.show(b), self.because(b));
        let verb = match exclusion.against {
            Against::OtherArchitecture if world.is_same(a) && world.is_same(b) => {
                return format!(
                    "cannot be installed together with {other}: all architectures must have the same version"
                );
            }
            Against::OtherArchitecture => {
                return format!("cannot be installed together with {other}: one of them is not `Multi-Arch: same`");
            }
            Against::Breaks => "breaks",
            Against::Conflicts => "conflicts with",
        };
        let relation = world.exclusion_text(a, exclusion);
        let provided = world.name(b) != relation.split([' ', ':']).next().unwrap_or_default();
        format!("{verb} `{relation}`, {} {other}", if provided { "which is provided by" } else { "and that is" })
    }

    fn two_versions(&mut self, rank: usize, a: Id, b: Id) {
        let (first, second) = (a.min(b), a.max(b));
        let other = format!("{}, {}", self.world.version(second), self.because(second));
        self.say(rank, first, format!("excludes its version {other}"));
    }

    /// What was asked for and takes part in the conflict.
    fn places(&self) -> Vec<(crate::model::Place, String)> {
        let involved = |root: &&Root| root.ids().any(|id| self.needed_by.get(&id) == Some(&None));
        let place = |root: &Root| match root.reason {
            ChoiceReason::Wanted(position) => {
                let wanted = &self.request.wanted[position];
                wanted.place.map(|place| (place, format!("`{}` is asked for here", wanted.name)))
            }
            _ => None,
        };
        self.roots.iter().filter(involved).filter_map(place).collect()
    }

    fn help(&self) -> String {
        let installed = self.sentences.values().any(|(_, ids)| ids.iter().any(|&id| self.world.is_installed(id)))
            || self.sentences.keys().any(|(_, text)| text.contains("is installed"));
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
