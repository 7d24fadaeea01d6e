//! `setcap`: the capabilities of a file, as libcap writes them into `security.capability` (`struct vfs_cap_data` of
//! linux/capability.h, revision 2).

use super::super::tree::at;
use super::DebianMachine;
use crate::model::Capability;
use crate::shell::{Call, Unsupported};

const ATTRIBUTE: &str = "security.capability";
const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// `setcap cap_a,cap_b+ep FILE`, also with `=`.
pub(super) fn setcap(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words: Vec<String> = call.arguments().iter().filter(|word| *word != "-q").cloned().collect();
    let [text, file] = &words[..] else { return Err(call.refuse("what is not known")) };
    let Some(value) = encoded(text) else { return Err(call.refuse(format!("the capabilities `{text}`"))) };
    let place = at(&call.path(file)).map_err(|error| DebianMachine::failed(call, &error))?;
    let root = &mut machine.system.root;
    if !root.is_file(&place) {
        call.complain(format!("{file}: No such file or directory"));
        return Ok(1);
    }
    root.set_attribute(&place, ATTRIBUTE, value).map_err(|error| DebianMachine::failed(call, &error))?;
    Ok(0)
}

fn encoded(text: &str) -> Option<Vec<u8>> {
    let at = text.find(['+', '='])?;
    let (names, flags) = (&text[..at], &text[at + 1..]);
    let mut set: u64 = 0;
    for name in names.split(',') {
        let name = name.to_ascii_lowercase();
        let number = Capability::NAMES.iter().position(|own| Some(*own) == name.strip_prefix("cap_"))?;
        set |= 1 << number;
    }
    if flags.is_empty() || !flags.chars().all(|flag| "eip".contains(flag)) {
        return None;
    }
    let of = |flag: char| if flags.contains(flag) { set } else { 0 };
    let (permitted, inheritable) = (of('p'), of('i'));
    let head = REVISION_2 | if flags.contains('e') { EFFECTIVE } else { 0 };
    let halves = |set: u64| [set & 0xffff_ffff, set >> 32].map(|half| u32::try_from(half).unwrap_or(0));
    let [low_permitted, high_permitted] = halves(permitted);
    let [low_inheritable, high_inheritable] = halves(inheritable);
    let words = [head, low_permitted, low_inheritable, high_permitted, high_inheritable];
    Some(words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn capabilities_are_written_as_the_kernel_reads_them() {
        // getfattr -e hex -n security.capability of a file that setcap 2.75 changed: cap_net_raw+ep
        let raw = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(encoded("cap_net_raw+ep").as_deref(), Some(&raw[..]));
        assert_eq!(encoded("cap_net_raw=ep"), encoded("CAP_NET_RAW+pe"));
        for wrong in ["cap_none+ep", "cap_net_raw", "cap_net_raw+", "cap_net_raw+x", "net_raw+ep", "+ep", ""] {
            assert_eq!(encoded(wrong), None, "{wrong}");
        }
    }
}
