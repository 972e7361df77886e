// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What evidence needs of an Ethereum block header in RLP.
library BlockHeader {
    /// A header of the newest fork has about 620 bytes.
    uint256 private constant MAX_BYTES = 1024;
    /// The newest fork has 21. Without a bound, 990 empty ones would take more gas than a report is given.
    uint256 private constant MAX_FIELDS = 64;
    uint256 private constant NUMBER = 8;
    uint256 private constant TIMESTAMP = 11;

    /// Number and timestamp; ok is false when the bytes are no list of strings that fills them, or too many, or too many strings.
    function parse(bytes calldata header) internal pure returns (bool ok, uint64 number, uint64 timestamp) {
        uint256 length = header.length;
        // More than 55 bytes, at most 1,024: always a list whose length takes one or two bytes, without leading zeros.
        if (length < 58 || length > MAX_BYTES) return (false, 0, 0);
        uint256 offset;
        if (header[0] == 0xf8) (ok, offset) = (uint8(header[1]) > 55 && uint256(uint8(header[1])) + 2 == length, 2);
        else if (header[0] == 0xf9) (ok, offset) = (header[1] != 0 && uint256(uint16(bytes2(header[1:3]))) + 3 == length, 3);
        uint256 index = 0;
        for (; ok && offset < length; index++) {
            uint256 start;
            uint256 end;
            (ok, start, end) = _string(header, offset);
            if (!ok || index == MAX_FIELDS) return (false, 0, 0);
            if (index == NUMBER) (ok, number) = _uint64(header[start:end]);
            else if (index == TIMESTAMP) (ok, timestamp) = _uint64(header[start:end]);
            offset = end;
        }
        ok = ok && index > TIMESTAMP;
    }

    function _string(bytes calldata data, uint256 offset) private pure returns (bool ok, uint256 start, uint256 end) {
        uint256 prefix = uint8(data[offset]);
        if (prefix < 0x80) return (true, offset, offset + 1);
        if (prefix < 0xb8) (start, end) = (offset + 1, offset + 1 + prefix - 0x80);
        else if (prefix == 0xb8 && offset + 1 < data.length) (start, end) = (offset + 2, offset + 2 + uint8(data[offset + 1]));
        else if (prefix == 0xb9 && offset + 2 < data.length) (start, end) = (offset + 3, offset + 3 + uint16(bytes2(data[offset + 1:offset + 3])));
        else return (false, 0, 0);
        ok = end <= data.length;
    }

    function _uint64(bytes calldata data) private pure returns (bool ok, uint64 value) {
        if (data.length > 8) return (false, 0);
        for (uint256 i = 0; i < data.length; i++) {
            value = (value << 8) | uint8(data[i]);
        }
        ok = data.length == 0 || data[0] != 0;
    }
}
