//! The boards that there are images for, and how far each was tried.

use clap::ValueEnum;

/// What an image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Board {
    /// Mini-PCs and servers with an Intel or AMD processor and UEFI
    #[value(name = "uefi-x86_64")]
    UefiX86_64,
    /// Servers and virtual machines with an ARM processor and UEFI
    #[value(name = "uefi-arm64")]
    UefiArm64,
}

impl Board {
    /// Its name on the command line, in the lock file and in the image.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "uefi-x86_64",
            Self::UefiArm64 => "uefi-arm64",
        }
    }

    /// How far it was tried; nothing claims more.
    pub(crate) fn tried(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "booted in test (QEMU q35 with OVMF)",
            Self::UefiArm64 => "a recipe only: not built, not booted",
        }
    }

    /// The number of its processor in the head of a program (ELF).
    pub(crate) fn machine(self) -> usize {
        match self {
            Self::UefiX86_64 => 62,
            Self::UefiArm64 => 183,
        }
    }

    /// Where UEFI looks for the boot loader.
    pub(crate) fn loader_path(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "EFI/BOOT/BOOTX64.EFI",
            Self::UefiArm64 => "EFI/BOOT/BOOTAA64.EFI",
        }
    }

    /// The boot loader in its Debian package.
    pub(crate) fn loader_file(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
            Self::UefiArm64 => "usr/lib/systemd/boot/efi/systemd-bootaa64.efi",
        }
    }

    /// Where the kernel speaks; the last one is the console of process 1.
    pub(crate) fn consoles(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "console=tty0 console=ttyS0,115200",
            Self::UefiArm64 => "console=tty0 console=ttyAMA0",
        }
    }
}
