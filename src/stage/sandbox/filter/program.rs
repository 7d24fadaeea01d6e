//! Filters as programs of the classic packet filter (linux/filter.h, linux/seccomp.h), written out by hand: a decision
//! for each number, and for some numbers a look at an argument.
//!
//! The kernel runs the program without arguments once for each number when the filter is installed, and remembers the
//! numbers that are allowed in any case (Linux 5.11). So what programs call often costs next to nothing.

use std::collections::BTreeMap;
use std::io;

use seccompiler::sock_filter;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The kernel does it.
    Allow,
    /// It does nothing and returns 0.
    Succeed,
    /// It fails with this number.
    Fail(i32),
}

impl Decision {
    /// The value that a program returns (`SECCOMP_RET_*`).
    const fn value(self) -> u32 {
        const ALLOW: u32 = 0x7fff_0000;
        const ERRNO: u32 = 0x0005_0000;
        match self {
            Self::Allow => ALLOW,
            Self::Succeed => ERRNO,
            Self::Fail(number) => ERRNO | number.unsigned_abs(),
        }
    }
}

/// A test of the lower half of an argument, which is the part that the kernel looks at for flags, requests, families
/// and processes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// Which argument, from 0.
    pub(super) argument: u8,
    /// Which values.
    pub(super) is: Is,
    /// What becomes of the call if so; the next test is for the others.
    pub(super) then: Decision,
}

/// Values of an argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    /// This one.
    Equal(u32),
    /// Those with one of these bits.
    AnyBit(u32),
    /// All but these.
    NoneOf(&'static [u32]),
}

/// Decisions by the number of the call.
#[derive(Debug)]
pub(super) struct Table {
    decisions: BTreeMap<u32, Decision>,
    tests: BTreeMap<u32, Vec<Test>>,
}

const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const JUMP_IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

// offsets in `struct seccomp_data`
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
/// Eight bytes each, the lower half first on the architectures that there are filters for.
const ARGUMENTS_AT: u32 = 16;

/// On x86-64 most system calls have a second number with this bit, for the x32 ABI.
const X32_BIT: u32 = 0x4000_0000;

/// The architecture of a call as the kernel names it (`AUDIT_ARCH_*` of linux/audit.h).
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

impl Table {
    /// A table in which every call is unknown.
    pub(super) const fn new() -> Self {
        Self { decisions: BTreeMap::new(), tests: BTreeMap::new() }
    }

    /// Decides what becomes of `calls`; the last word counts.
    pub(super) fn set(&mut self, calls: &[libc::c_long], decision: Decision) {
        let numbers = calls.iter().filter_map(|&call| u32::try_from(call).ok());
        self.decisions.extend(numbers.map(|number| (number, decision)));
    }

    /// Makes a call depend on its arguments: the first test that holds decides; where none does, the call is allowed.
    pub(super) fn test(&mut self, call: libc::c_long, tests: Vec<Test>) {
        if let Ok(number) = u32::try_from(call) {
            self.tests.insert(number, tests);
        }
    }

    /// The program.
    ///
    /// # Errors
    /// On an architecture whose numbers this module does not know.
    pub(super) fn program(&self) -> io::Result<Vec<sock_filter>> {
        let architecture = ARCHITECTURE.ok_or_else(|| {
            io::Error::new(io::ErrorKind::Unsupported, "sandboxes are made on x86-64 and arm64 machines only")
        })?;
        const KILL_PROCESS: u32 = 0x8000_0000;
        let mut steps = vec![
            step(LOAD, 0, 0, ARCHITECTURE_AT),
            step(JUMP_IF_EQUAL, 1, 0, architecture),
            step(RETURN, 0, 0, KILL_PROCESS),
            step(LOAD, 0, 0, NUMBER_AT),
            step(JUMP_IF_AT_LEAST, 0, 1, X32_BIT),
            returning(Decision::Fail(libc::ENOSYS)),
        ];
        for (&number, tests) in &self.tests {
            let body = argument_steps(tests)?;
            // a program ends at the return of the tests, so the number is still loaded behind them
            steps.extend([step(JUMP_IF_EQUAL, 0, offset(body.len())?, number)]);
            steps.extend(body);
        }
        steps.extend(self.segments().windows(2).flat_map(|pair| {
            let ((_, decision), (next, _)) = (pair[0], pair[1]);
            [step(JUMP_IF_AT_LEAST, 1, 0, next), returning(decision)]
        }));
        steps.push(returning(Decision::Fail(libc::ENOSYS)));
        Ok(steps)
    }

    /// Numbers from which on a decision holds, until the next one.
    fn segments(&self) -> Vec<(u32, Decision)> {
        let unknown = Decision::Fail(libc::ENOSYS);
        let mut segments = vec![(0, self.decisions.get(&0).copied().unwrap_or(unknown))];
        let end = self.decisions.last_key_value().map_or(0, |(&last, _)| last + 1);
        for number in 1..=end {
            let decision = self.decisions.get(&number).copied().unwrap_or(unknown);
            if segments.last().is_some_and(|&(_, before)| before != decision) {
                segments.push((number, decision));
            }
        }
        segments
    }
}

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

const fn returning(decision: Decision) -> sock_filter {
    step(RETURN, 0, 0, decision.value())
}

fn offset(steps: usize) -> io::Result<u8> {
    u8::try_from(steps).map_err(io::Error::other)
}

/// Looks at arguments; ends with a return in any case.
fn argument_steps(tests: &[Test]) -> io::Result<Vec<sock_filter>> {
    let mut steps = Vec::new();
    for test in tests {
        steps.push(step(LOAD, 0, 0, ARGUMENTS_AT + 8 * u32::from(test.argument)));
        match test.is {
            Is::Equal(value) => steps.push(step(JUMP_IF_EQUAL, 0, 1, value)),
            Is::AnyBit(bits) => steps.push(step(JUMP_IF_ANY_BIT, 0, 1, bits)),
            Is::NoneOf(values) => {
                for (index, &value) in values.iter().enumerate() {
                    steps.push(step(JUMP_IF_EQUAL, offset(values.len() - index)?, 0, value));
                }
            }
        }
        steps.push(returning(test.then));
    }
    steps.push(returning(Decision::Allow));
    Ok(steps)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs a program as the kernel does; the result for a call with these arguments.
    pub(in crate::stage::sandbox::filter) fn run(
        program: &[sock_filter],
        architecture: u32,
        number: u32,
        arguments: [u64; 6],
    ) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let now = &program[at];
            at += 1;
            let jump = |holds: bool| usize::from(if holds { now.jt } else { now.jf });
            match now.code {
                LOAD => {
                    loaded = match now.k {
                        NUMBER_AT => number,
                        ARCHITECTURE_AT => architecture,
                        offset => u32::try_from(arguments[(offset as usize - 16) / 8] & 0xffff_ffff).expect("32 bits"),
                    }
                }
                JUMP_IF_EQUAL => at += jump(loaded == now.k),
                JUMP_IF_AT_LEAST => at += jump(loaded >= now.k),
                JUMP_IF_ANY_BIT => at += jump(loaded & now.k != 0),
                RETURN => return now.k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    pub(in crate::stage::sandbox::filter) fn here() -> u32 {
        ARCHITECTURE.expect("tests run where there are filters")
    }

    #[test]
    fn numbers_between_decisions_are_unknown() {
        let mut table = Table::new();
        table.set(&[0, 1, 5], Decision::Allow);
        table.set(&[7], Decision::Fail(libc::EPERM));
        table.set(&[1], Decision::Succeed);
        let program = table.program().expect("a program");
        let of = |number| run(&program, here(), number, [0; 6]);
        let unknown = Decision::Fail(libc::ENOSYS).value();
        assert_eq!([0, 1, 2, 5, 6].map(of), [0x7fff_0000, 0x0005_0000, unknown, 0x7fff_0000, unknown]);
        assert_eq!([7, 8, 100_000, X32_BIT, u32::MAX].map(of), [0x0005_0001, unknown, unknown, unknown, unknown]);
        assert_eq!(run(&program, 0x4000_0003, 0, [0; 6]), 0x8000_0000, "calls of i386 have other numbers");
    }

    #[test]
    fn the_first_test_that_holds_decides() {
        let mut table = Table::new();
        table.set(&[9], Decision::Allow);
        let test = |argument, is, number| Test { argument, is, then: Decision::Fail(number) };
        table.test(3, vec![test(0, Is::NoneOf(&[1, 2]), 11), test(1, Is::AnyBit(0x30), 12), test(2, Is::Equal(7), 13)]);
        let program = table.program().expect("a program");
        let of = |arguments: [u64; 3]| {
            run(&program, here(), 3, [arguments[0], arguments[1], arguments[2], 0, 0, 0]) & 0xffff
        };
        assert_eq!(of([0, 0, 0]), 11);
        assert_eq!([of([1, 0, 0]), of([2, 0, 0])], [0, 0]);
        assert_eq!([of([1, 0x10, 7]), of([1, 0x20, 0]), of([1, 0x40, 7]), of([1, 0, 8])], [12, 12, 13, 0]);
        assert_eq!(of([0xffff_ffff_0000_0002, 0, 0]), 0, "the kernel ignores the upper half");
        assert_eq!(run(&program, here(), 9, [0; 6]), 0x7fff_0000);
    }
}
