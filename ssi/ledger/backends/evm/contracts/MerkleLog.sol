// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// An append-only log whose RFC 6962 tree head is kept by the chain itself.
//
// Source:  RFC 6962, section 2.1: MTH({}) = SHA-256(), leaves SHA-256(0x00 || entry), nodes SHA-256(0x01 || l || r).
// State:   size, and for each bit of it the hash of one complete subtree (the frontier); slots of levels whose bit is
//          clear hold what was there before and are not read.
// Rules:   only writers append, only the owner names writers; nothing is ever changed or removed, the code is fixed.
// Errors:  every append says the size that it expects, so that a transaction sent twice can never write twice.

abstract contract MerkleLog {
    event WriterSet(address indexed writer, bool allowed);
    event OwnerSet(address indexed owner);

    error NotOwner(address caller);
    error NotWriter(address caller);
    error EmptyBatch();
    error LogFull();
    error SizeMismatch(uint64 expected, uint64 actual);

    uint256 private constant LEVELS = 40;

    // One slot: what every append reads and writes, and the block where a reader without a mirror begins.
    uint64 public size;
    uint64 public lastBlock;
    uint64 public deployedAt;
    address public owner;
    mapping(address => bool) public writers;
    bytes32[LEVELS] public frontier;

    constructor(address owner_, address[] memory writers_) {
        deployedAt = uint64(block.number);
        owner = owner_;
        emit OwnerSet(owner_);
        for (uint256 i = 0; i < writers_.length; ++i) {
            writers[writers_[i]] = true;
            emit WriterSet(writers_[i], true);
        }
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    // The zero address is accepted: it fixes the set of writers for ever.
    function setOwner(address owner_) external onlyOwner {
        owner = owner_;
        emit OwnerSet(owner_);
    }

    function setWriter(address writer, bool allowed) external onlyOwner {
        writers[writer] = allowed;
        emit WriterSet(writer, allowed);
    }

    // The size, the block of the newest entry (0 if there is none) and the tree head, in one consistent answer.
    function head() external view returns (uint64, uint64, bytes32) {
        return (size, lastBlock, root());
    }

    function root() public view returns (bytes32 result) {
        uint256 rest = size;
        if (rest == 0) return sha256("");
        uint256 level = 0;
        for (; rest & 1 == 0; rest >>= 1) ++level;
        result = frontier[level];
        for (rest >>= 1; rest != 0; rest >>= 1) {
            ++level;
            if (rest & 1 == 1) result = _node(frontier[level], result);
        }
    }

    // Adds leaf hashes; `row` is used up. Returns the index of the first and the block of the entry before it.
    function _extend(uint64 expectedSize, bytes32[] memory row) internal returns (uint64 first, uint64 previous) {
        if (!writers[msg.sender]) revert NotWriter(msg.sender);
        (first, previous) = (size, lastBlock);
        if (expectedSize != first) revert SizeMismatch(expectedSize, first);
        uint256 count = row.length;
        if (count == 0) revert EmptyBatch();
        if (count >= (uint256(1) << LEVELS) - first) revert LogFull();
        (size, lastBlock) = (uint64(first + count), uint64(block.number));
        unchecked {
            uint256 index = first;
            for (uint256 level = 0; count != 0; ++level) {
                // Row by row: with the node that waits on the left if the row begins at an odd place, in pairs, and
                // what is left over on the right waits in its turn.
                uint256 odd = index & 1;
                uint256 whole = count + odd;
                bytes32 left = odd == 1 ? frontier[level] : bytes32(0);
                if (whole & 1 == 1) frontier[level] = _at(row, count - 1);
                for (uint256 pair = 0; pair < whole >> 1; ++pair) {
                    uint256 right = 2 * pair + 1 - odd;
                    bytes32 sibling = right == 0 ? left : _at(row, right - 1);
                    _put(row, pair, _node(sibling, _at(row, right)));
                }
                index >>= 1;
                count = whole >> 1;
            }
        }
    }

    // The loops above stay inside the row, so that the bounds need no second check for each hash.
    function _at(bytes32[] memory row, uint256 i) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(row, 32), shl(5, i)))
        }
    }

    function _put(bytes32[] memory row, uint256 i, bytes32 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(row, 32), shl(5, i)), value)
        }
    }

    function _node(bytes32 left, bytes32 right) private view returns (bytes32 result) {
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore8(place, 1)
            mstore(add(place, 1), left)
            mstore(add(place, 33), right)
            if iszero(staticcall(gas(), 2, place, 65, 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }
}

// Leaf hashes on chain, bodies elsewhere: for public chains, where nothing that is written can be withdrawn.
contract LeafLog is MerkleLog {
    event Leaves(uint64 indexed first, uint64 indexed previousBlock, bytes32[] leaves);

    constructor(address owner_, address[] memory writers_) MerkleLog(owner_, writers_) {}

    function append(uint64 expectedSize, bytes32[] calldata leaves) external {
        (uint64 first, uint64 previous) = _extend(expectedSize, leaves);
        emit Leaves(first, previous, leaves);
    }
}

// Whole entries on chain, as events: for permissioned chains, where every reader of the chain may read every entry.
contract EntryLog is MerkleLog {
    event Entry(uint64 indexed index, uint64 indexed previousBlock, bytes entry);

    error EntryTooLong(uint256 position);

    // What every reader of the log can hold: a longer entry would stop them all.
    uint256 private constant MAX_ENTRY_BYTES = 65_535;

    constructor(address owner_, address[] memory writers_) MerkleLog(owner_, writers_) {}

    function append(uint64 expectedSize, bytes[] calldata entries) external {
        bytes32[] memory row = new bytes32[](entries.length);
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].length > MAX_ENTRY_BYTES) revert EntryTooLong(i);
            row[i] = _leaf(entries[i]);
        }
        (uint64 first, uint64 previous) = _extend(expectedSize, row);
        for (uint256 i = 0; i < entries.length; ++i) emit Entry(first + uint64(i), previous, entries[i]);
    }

    function _leaf(bytes calldata entry) private view returns (bytes32 result) {
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore8(place, 0)
            calldatacopy(add(place, 1), entry.offset, entry.length)
            if iszero(staticcall(gas(), 2, place, add(entry.length, 1), 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }
}
