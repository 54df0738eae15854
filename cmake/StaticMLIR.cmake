# Makes a static link of MLIR really static.
#
# Debian's exported static MLIR libraries name `LLVM` (libLLVM.so) in their link
# interface, and some (MLIRExecutionEngine among them) also `MLIR` (libMLIR.so).
# A tool that linked both worlds would hold two copies of every TypeID. So: name
# the LLVM components as archives, and rewrite the interface of each MLIR target.
llvm_map_components_to_libnames(
  _indexer_llvm_libs NVPTXCodeGen NVPTXDesc NVPTXInfo X86CodeGen X86Desc X86Info
  X86AsmParser AsmPrinter orcjit perfjitevents core support passes bitwriter
  frontendopenmp)
add_library(indexer_llvm INTERFACE)
target_link_libraries(indexer_llvm INTERFACE ${_indexer_llvm_libs})

foreach(_target ${MLIR_EXPORTED_TARGETS})
  get_target_property(_type ${_target} TYPE)
  if(NOT _type STREQUAL "STATIC_LIBRARY")
    continue()
  endif()
  get_target_property(_libs ${_target} INTERFACE_LINK_LIBRARIES)
  if(_libs)
    list(TRANSFORM _libs REPLACE "^LLVM$" "indexer_llvm")
    list(REMOVE_ITEM _libs MLIR)
    set_target_properties(${_target} PROPERTIES INTERFACE_LINK_LIBRARIES
                                                "${_libs}")
  endif()
endforeach()
