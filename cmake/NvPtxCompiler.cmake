# NVIDIA's PTX compiler as a static library, where the user has it. Its licence
# (in the wheel) does not let it be passed on; docs/assembler.md.
set(INDEXER_NVPTXCOMPILER_DIR "" CACHE PATH
    "Folder of NVIDIA's PTX compiler as a static library (PyPI's nvidia-nvptxcompiler, installed or unpacked); empty: cubins are made by the ptxas program")

# What links it: the libraries and programs that hold lib/Target.
add_library(indexer_nvptxcompiler INTERFACE)
if(INDEXER_NVPTXCOMPILER_DIR)
  find_library(_nvptxcompiler nvptxcompiler_static
    PATHS ${INDEXER_NVPTXCOMPILER_DIR}
    PATH_SUFFIXES lib lib64 cu13/lib nvidia/cu13/lib
    NO_DEFAULT_PATH NO_CACHE)
  find_path(INDEXER_NVPTXCOMPILER_INCLUDE nvPTXCompiler.h
    PATHS ${INDEXER_NVPTXCOMPILER_DIR}
    PATH_SUFFIXES include cu13/include nvidia/cu13/include
    NO_DEFAULT_PATH NO_CACHE)
  if(NOT _nvptxcompiler OR NOT INDEXER_NVPTXCOMPILER_INCLUDE)
    message(FATAL_ERROR
      "INDEXER_NVPTXCOMPILER_DIR is '${INDEXER_NVPTXCOMPILER_DIR}', which has "
      "no libnvptxcompiler_static.a with nvPTXCompiler.h; accepted is the "
      "folder that PyPI's nvidia-nvptxcompiler is installed in")
  endif()
  message(STATUS "PTX compiler ${_nvptxcompiler}")
  # Its thousands of symbols stay inside what links it.
  target_link_libraries(indexer_nvptxcompiler INTERFACE
    ${_nvptxcompiler} pthread m ${CMAKE_DL_LIBS})
  target_link_options(indexer_nvptxcompiler INTERFACE
    -Wl,--exclude-libs,libnvptxcompiler_static.a)
endif()
