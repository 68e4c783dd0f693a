//! How an example is used, from the top of its own source: shared by all of them that take arguments.

/// Where `-h` or `--help` is among the arguments, prints the `//!` lines that the source begins with, and says so.
pub(crate) fn shown(source: &str) -> bool {
    let asked = std::env::args_os().any(|argument| argument == "-h" || argument == "--help");
    if asked {
        let top = source.lines().map_while(|line| line.strip_prefix("//!"));
        top.for_each(|line| println!("{}", line.strip_prefix(' ').unwrap_or(line)));
    }
    asked
}
