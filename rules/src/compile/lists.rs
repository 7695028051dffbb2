//! Lists that several rules name: what each holds is told by the first rule that says so, and is the same for all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::Compiled;
use crate::{
    limits,
    model::ListKind,
    pack::{CanonicalWriter, ListToWrite},
    source::{
        ParsedRule,
        draft::{ListDraft, MatchDraft, RuleDraft},
        list_files::ListContent,
        problem::Problem,
    },
};

/// A named list as far as the rules before told it.
#[derive(Debug)]
struct Known {
    kind: ListKind,
    content: Option<Arc<ListContent>>,
}

fn lists(rule: &RuleDraft) -> impl Iterator<Item = &ListDraft> {
    let matches = rule.inspections.iter().flat_map(|one| &one.matches);
    matches.filter_map(|item| match item {
        MatchDraft::List(list) => Some(list),
        _ => None,
    })
}

/// Gives every list its kind and content. Rules that contradict an earlier one, or name a list of which nothing is known, are refused.
pub(super) fn settle(rules: Vec<ParsedRule>, compiled: &mut Compiled) -> Vec<ParsedRule> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut keys = 0_usize;
    let mut kept = Vec::with_capacity(rules.len());
    for rule in rules {
        let problem = lists(&rule.draft).find_map(|list| learn(list, &mut known, &mut keys).err());
        match problem {
            None => kept.push(rule),
            Some(problem) => {
                compiled.counts.refused += 1;
                compiled.diagnostics.push(rule.diagnostic(problem));
            }
        }
    }
    let of_rules = kept.iter_mut().flat_map(|rule| &mut rule.draft.inspections);
    for item in of_rules.flat_map(|inspection| &mut inspection.matches) {
        if let MatchDraft::List(list) = item
            && let Some(known) = list.name.as_ref().and_then(|name| known.get(name))
        {
            list.kind = Some(known.kind);
            list.content.clone_from(&known.content);
        }
    }
    kept
}

fn learn(
    list: &ListDraft,
    known: &mut BTreeMap<String, Known>,
    keys: &mut usize,
) -> Result<(), Problem> {
    let mut count = |content: &ListContent| {
        *keys = keys.saturating_add(content.keys.len());
        if *keys <= limits::LIST_KEYS {
            return Ok(());
        }
        Err(Problem::error(
            "lists-too-large",
            list.span.clone(),
            format!(
                "all lists together have more than {} entries",
                limits::LIST_KEYS
            ),
        ))
    };
    let Some(name) = &list.name else {
        return list.content.as_deref().map_or(Ok(()), count);
    };
    match (known.get_mut(name), list.kind) {
        (Some(known), Some(kind)) if known.kind != kind => Err(Problem::error(
            "list-of-two-types",
            list.span.clone(),
            format!("a rule before this one says another type of `{name}`"),
        )
        .hint("give it another name, or the same type")),
        (Some(known), _) => {
            if known.content.is_none()
                && let Some(content) = &list.content
            {
                count(content)?;
                known.content = Some(Arc::clone(content));
            }
            Ok(())
        }
        (None, Some(kind)) => {
            if let Some(content) = &list.content {
                count(content)?;
            }
            let content = list.content.clone();
            known.insert(name.clone(), Known { kind, content });
            Ok(())
        }
        (None, None) => Err(Problem::error(
            "list-without-type",
            list.span.clone(),
            format!("no rule before this one says the type of `{name}`"),
        )
        .hint("add `type string`, md5, sha256, ipv4 or ip")),
    }
}

/// The name of a list in the pack: a list of digests is named by its bytes, with a space that no other name has.
pub(super) fn pack_name(list: &ListDraft) -> String {
    if let Some(name) = &list.name {
        return name.clone();
    }
    let keys = list.content.as_ref().map(|content| &content.keys[..]);
    let digest = Sha256::digest(keys.unwrap_or_default().as_flattened());
    let number = list.kind.unwrap_or(ListKind::String) as u8;
    format!(
        "digests {number} {}",
        hex::encode(digest.get(..16).unwrap_or_default())
    )
}

/// The list as it is written, with or without what it holds.
pub(super) fn to_write<'a>(list: &'a ListDraft, name: &'a str, with_keys: bool) -> ListToWrite<'a> {
    let content = list.content.as_deref();
    let values = content.and_then(|content| content.values.as_deref());
    let (keys, values) = match content {
        Some(content) if with_keys => (content.keys.as_slice(), values),
        _ => (&[][..], values.map(|_| &[][..])),
    };
    ListToWrite {
        name,
        kind: list.kind.unwrap_or(ListKind::String),
        keys,
        values,
    }
}

/// Writes the lists of a rule that no rule before it named.
pub(super) fn write_new(
    rule: &RuleDraft,
    written: &mut BTreeSet<String>,
    canonical: &mut CanonicalWriter,
) {
    for list in lists(rule) {
        let name = pack_name(list);
        if !written.contains(&name) {
            canonical.list(&to_write(list, &name, true));
            written.insert(name);
        }
    }
}
