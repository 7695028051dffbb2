//! Programs of the kernel's classic packet filter (cBPF): an assembler for what [`super::flow_hash`] needs.
//!
//! Jumps go forward only, as the kernel demands; a load beyond the packet ends the program with 0.

/// One instruction as the kernel takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) jump_true: u8,
    pub(super) jump_false: u8,
    pub(super) operand: u32,
}

/// Width of a load.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load {
    Byte,
    Half,
    Word,
}

/// A place in the program that jumps lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// Offsets from here on count from the network header, wherever the packet begins.
const NETWORK_HEADER: u32 = 0xfff0_0000;
/// `skb->protocol`: the EtherType behind a tag that the hardware took off.
const PROTOCOL: u32 = 0xffff_f000;

mod code {
    pub(super) const LOAD_WORD_INDEXED: u16 = 0x40;
    pub(super) const LOAD_HALF_INDEXED: u16 = 0x48;
    pub(super) const LOAD_BYTE_INDEXED: u16 = 0x50;
    pub(super) const LOAD_HALF_ABSOLUTE: u16 = 0x28;
    pub(super) const LOAD_INDEX_CONSTANT: u16 = 0x01;
    pub(super) const LOAD_MEMORY: u16 = 0x60;
    pub(super) const LOAD_INDEX_MEMORY: u16 = 0x61;
    pub(super) const STORE: u16 = 0x02;
    pub(super) const ADD_CONSTANT: u16 = 0x04;
    pub(super) const ADD_INDEX: u16 = 0x0c;
    pub(super) const MULTIPLY_CONSTANT: u16 = 0x24;
    pub(super) const XOR_INDEX: u16 = 0xac;
    pub(super) const SHIFT_RIGHT_CONSTANT: u16 = 0x74;
    pub(super) const JUMP: u16 = 0x05;
    pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
    pub(super) const JUMP_IF_ANY_BIT: u16 = 0x45;
    pub(super) const RETURN_CONSTANT: u16 = 0x06;
    pub(super) const RETURN_ACCUMULATOR: u16 = 0x16;
    pub(super) const ACCUMULATOR_TO_INDEX: u16 = 0x07;
    pub(super) const INDEX_TO_ACCUMULATOR: u16 = 0x87;
}

/// Writes a program with labels for places that come later.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    instructions: Vec<Instruction>,
    /// By label: where it was placed.
    places: Vec<usize>,
    /// Jumps and the labels they lead to.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    pub(super) fn label(&mut self) -> Label {
        self.places.push(usize::MAX);
        Label(self.places.len() - 1)
    }

    pub(super) fn place(&mut self, label: Label) {
        self.places[label.0] = self.instructions.len();
    }

    /// A = the EtherType of what the network header begins.
    pub(super) fn load_protocol(&mut self) {
        self.push(code::LOAD_HALF_ABSOLUTE, PROTOCOL);
    }

    /// A = what stands `offset` bytes behind the network header and X.
    pub(super) fn load(&mut self, width: Load, offset: u32) {
        let code = match width {
            Load::Byte => code::LOAD_BYTE_INDEXED,
            Load::Half => code::LOAD_HALF_INDEXED,
            Load::Word => code::LOAD_WORD_INDEXED,
        };
        self.push(code, NETWORK_HEADER + offset);
    }

    pub(super) fn set_index(&mut self, value: u32) {
        self.push(code::LOAD_INDEX_CONSTANT, value);
    }

    pub(super) fn store(&mut self, slot: u32) {
        self.push(code::STORE, slot);
    }

    pub(super) fn recall(&mut self, slot: u32) {
        self.push(code::LOAD_MEMORY, slot);
    }

    pub(super) fn recall_index(&mut self, slot: u32) {
        self.push(code::LOAD_INDEX_MEMORY, slot);
    }

    pub(super) fn add(&mut self, value: u32) {
        self.push(code::ADD_CONSTANT, value);
    }

    pub(super) fn add_index(&mut self) {
        self.push(code::ADD_INDEX, 0);
    }

    pub(super) fn multiply(&mut self, value: u32) {
        self.push(code::MULTIPLY_CONSTANT, value);
    }

    pub(super) fn xor_index(&mut self) {
        self.push(code::XOR_INDEX, 0);
    }

    pub(super) fn shift_right(&mut self, bits: u32) {
        self.push(code::SHIFT_RIGHT_CONSTANT, bits);
    }

    pub(super) fn accumulator_to_index(&mut self) {
        self.push(code::ACCUMULATOR_TO_INDEX, 0);
    }

    pub(super) fn index_to_accumulator(&mut self) {
        self.push(code::INDEX_TO_ACCUMULATOR, 0);
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(code::JUMP, 0);
    }

    pub(super) fn jump_if_equal(&mut self, value: u32, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(code::JUMP_IF_EQUAL, value);
    }

    pub(super) fn jump_if_any_bit(&mut self, bits: u32, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(code::JUMP_IF_ANY_BIT, bits);
    }

    /// Ends with a constant.
    pub(super) fn give_constant(&mut self, value: u32) {
        self.push(code::RETURN_CONSTANT, value);
    }

    /// Ends with A.
    pub(super) fn give(&mut self) {
        self.push(code::RETURN_ACCUMULATOR, 0);
    }

    /// The program. A conditional jump reaches 255 instructions far; one that should go farther goes to the end of its reach,
    /// which the tests of the program would show.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        for (from, label) in self.jumps {
            let distance = self.places[label.0].saturating_sub(from + 1);
            let instruction = &mut self.instructions[from];
            if instruction.code == code::JUMP {
                instruction.operand = u32::try_from(distance).unwrap_or(u32::MAX);
            } else {
                instruction.jump_true = u8::try_from(distance).unwrap_or(u8::MAX);
            }
        }
        self.instructions
    }

    fn push(&mut self, code: u16, operand: u32) {
        self.instructions.push(Instruction {
            code,
            jump_true: 0,
            jump_false: 0,
            operand,
        });
    }
}

/// Runs a program as the kernel does on an Ethernet frame whose network header begins at `network`.
#[cfg(test)]
pub(super) fn interpret(program: &[Instruction], frame: &[u8], network: usize) -> u32 {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0);
    let slot = |operand: u32| usize::try_from(operand).unwrap();
    loop {
        let Instruction {
            code,
            jump_true,
            operand,
            ..
        } = program[at];
        at += 1;
        let indexed = |bytes: usize| {
            let offset = network + slot(operand - NETWORK_HEADER + x);
            frame.get(offset..offset + bytes).map(|bytes| {
                bytes
                    .iter()
                    .fold(0, |value, byte| value << 8 | u32::from(*byte))
            })
        };
        match code {
            code::LOAD_HALF_ABSOLUTE => {
                a = u32::from(u16::from_be_bytes([frame[network - 2], frame[network - 1]]));
            }
            code::LOAD_WORD_INDEXED | code::LOAD_HALF_INDEXED | code::LOAD_BYTE_INDEXED => {
                let bytes = match code {
                    code::LOAD_WORD_INDEXED => 4,
                    code::LOAD_HALF_INDEXED => 2,
                    _ => 1,
                };
                match indexed(bytes) {
                    Some(value) => a = value,
                    None => return 0,
                }
            }
            code::LOAD_INDEX_CONSTANT => x = operand,
            code::LOAD_MEMORY => a = memory[slot(operand)],
            code::LOAD_INDEX_MEMORY => x = memory[slot(operand)],
            code::STORE => memory[slot(operand)] = a,
            code::ADD_CONSTANT => a = a.wrapping_add(operand),
            code::ADD_INDEX => a = a.wrapping_add(x),
            code::MULTIPLY_CONSTANT => a = a.wrapping_mul(operand),
            code::XOR_INDEX => a ^= x,
            code::SHIFT_RIGHT_CONSTANT => a >>= operand,
            code::ACCUMULATOR_TO_INDEX => x = a,
            code::INDEX_TO_ACCUMULATOR => a = x,
            code::JUMP => at += slot(operand),
            code::JUMP_IF_EQUAL if a == operand => at += usize::from(jump_true),
            code::JUMP_IF_ANY_BIT if a & operand != 0 => at += usize::from(jump_true),
            code::JUMP_IF_EQUAL | code::JUMP_IF_ANY_BIT => {}
            code::RETURN_CONSTANT => return operand,
            code::RETURN_ACCUMULATOR => return a,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}
