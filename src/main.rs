//! The `circumplex` command: everything that it does is in the library's `cli` module.

fn main() -> std::process::ExitCode {
    circumplex::run()
}
